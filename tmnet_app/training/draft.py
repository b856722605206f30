"""The recipe that is being written: what the panels show and change, and what is wrong with it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal

from tmnet_app.training.fields import in_form_words
from tmnet_core.config import Recipe, Section, dump_recipe, load_recipe, override_text, shipped_recipes
from tmnet_core.files import replacing

_SIDE_KEYS = ("name", "data.root")


# What pydantic calls a problem, and what a person reads.
_PLAIN = {
    "float_parsing": "write a number, such as 0.01 or 1e-3",
    "float_type": "write a number, such as 0.01 or 1e-3",
    "finite_number": "write a finite number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "greater_than": "this must be more than {gt}",
    "greater_than_equal": "this must be at least {ge}",
    "less_than": "this must be less than {lt}",
    "less_than_equal": "this must be at most {le}",
    "too_short": "write more values, with commas between them",
    "too_long": "write fewer values",
    "missing": "write more values, with commas between them",
    "tuple_type": "write numbers with commas between them",
    "string_too_short": "this must not be empty",
    "string_too_long": "this is too long",
    "string_pattern_mismatch": "this must not have a slash in it",
}


class RecipeDraft(QObject):
    """Values by key, valid or not, over a base recipe that they are compared with.

    Attributes:
        base: the shipped recipe or the file that it started from.
        problems: by key what is wrong with the value, in a sentence; "" stands for the whole.
        recipe: the valid recipe; None while there are problems.
    """

    changed = Signal(str)  # the key whose value changed; empty when all may have
    checked = Signal()  # problems and recipe are up to date

    def __init__(self, base: str = "quick", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.base = base
        self.problems: dict[str, str] = {}
        self.recipe: Recipe | None = None
        self._base_values: dict[str, Any] = {}
        self._values: dict[str, Any] = {}
        self.start_from(base)

    def start_from(self, base: str) -> list[str]:
        """Take another base, a shipped recipe's name or a TOML file; returns the keys whose values are others now.

        What a person has changed stays on top of a shipped recipe; of a file all values are taken, and of the person's
        only the data and a chosen name where the file has no data.

        Raises:
            RecipeError: where it cannot be read; the draft stays as it was.
        """
        recipe = load_recipe(base)
        before = self._values
        chosen = {key: before[key] for key in self.changed_keys()}
        if base not in shipped_recipes():
            chosen = {} if recipe.data.root else {key: chosen[key] for key in _SIDE_KEYS if key in chosen}
        if before.get("data.root") and not recipe.data.root:
            chosen["data.root"] = before["data.root"]
        self.base = base
        self._base_values = flatten(recipe)
        self._values = {**self._base_values, **chosen}
        self._check()
        self.changed.emit("")
        return [key for key, value in self._values.items() if key in before and before[key] != value]

    def value(self, key: str) -> Any:
        """Return the value of a key, as it was set."""
        return self._values[key]

    def set_value(self, key: str, value: Any) -> None:
        """Change a value; it may be wrong, `problems` will tell."""
        if self._values[key] != value or type(self._values[key]) is not type(value):
            self._values[key] = value
            self._check()
            self.changed.emit(key)

    def reset(self, key: str) -> None:
        """Take the base's value again."""
        self.set_value(key, self._base_values[key])

    def base_value(self, key: str) -> Any:
        """Return what the base says."""
        return self._base_values[key]

    def is_changed(self, key: str) -> bool:
        """Whether a value is another one than the base's."""
        return bool(self._values[key] != self._base_values[key])

    def changed_keys(self) -> list[str]:
        """Return the keys whose values differ from the base."""
        return [key for key in self._values if self.is_changed(key)]

    def save(self, path: Path) -> None:
        """Write the recipe as TOML; only while there are no problems."""
        assert self.recipe is not None
        with replacing(path) as temporary:
            temporary.write_text(dump_recipe(self.recipe), encoding="utf-8")

    def command(self, processes: int = 1) -> str:
        """Return the `tmnet train` line that does the same, in the background where processes train together."""
        words = ["tmnet", "train", self.base]
        if self._values["data.root"]:
            words += ["--data", str(self._values["data.root"])]
        if self.is_changed("name"):
            words += ["--name", str(self._values["name"])]
        for key in self.changed_keys():
            if key not in _SIDE_KEYS:
                words += ["--set", override_text(key, self._values[key])]
        if processes > 1:
            words += ["--detach", "--processes", str(processes)]
        return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)

    def _check(self) -> None:
        try:
            self.recipe = Recipe.model_validate(nest(self._values))
            self.problems = {}
        except ValidationError as error:
            self.recipe = None
            self.problems = _problems(error, self._values)
        self.checked.emit()


def flatten(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe's values by key."""
    values: dict[str, Any] = {}
    for name in Recipe.model_fields:
        part = getattr(recipe, name)
        if isinstance(part, Section):
            values |= {f"{name}.{key}": getattr(part, key) for key in type(part).model_fields}
        else:
            values[name] = part
    return values


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn values by key into sections."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        section, dot, name = key.partition(".")
        if dot:
            nested.setdefault(section, {})[name] = value
        else:
            nested[key] = value
    return nested


def _problems(error: ValidationError, values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for problem in error.errors():
        message = problem["msg"].removeprefix("Value error, ")
        sentence = _PLAIN.get(problem["type"], "{message}").format(message=message, **problem.get("ctx", {}))
        sentence = in_form_words(f"{sentence[0].upper()}{sentence[1:].rstrip('.')}.")
        key = ".".join(str(part) for part in problem["loc"][:2])
        found.setdefault(key if key in values else _key_meant(message, key, values), sentence)
    return found


def _key_meant(message: str, section: str, values: Mapping[str, Any]) -> str:
    """Return the key that a message about several of them names first, so that it is shown where it can be mended."""
    for word in re.findall(r"[a-z_]+(?:\.[a-z_0-9]+)?", message):
        for key in (word, f"{section}.{word}", f"model.{word}"):
            if key in values:
                return key
    return ""
