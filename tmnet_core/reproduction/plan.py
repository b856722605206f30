"""What a table or figure needs: lines, each a recipe and a way to look, and the claims that lines are compared for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tmnet_core.config import Recipe, validate_recipe
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE
from tmnet_core.errors import RecipeError
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.reproduction.paper import Figures
from tmnet_core.training.look import Look

Budget = Literal["", "equal iterations", "equal frames"]

# What does not change the weights that come out, beyond rounding.
_NOT_THE_RECIPE = {
    "training": {"device", "workers", "validation_batch", "key_frames", "validate_every"},
    "data": {"cache_gib", "packed"},
}


@dataclass(frozen=True)
class Line:
    """One line of a table, or one point of a figure.

    Attributes:
        label: what varies, such as `16 frames`.
        recipe: what is trained; None where that cannot be, and `not_run` says why.
        budget: what is held equal, where the table is made twice.
        value: what varies as a number, for plots.
        paper: the paper's figures of this line, in percent; empty where it gives none.
    """

    label: str
    recipe: Recipe | None
    look: Look
    budget: Budget = ""
    value: float | None = None
    paper: Figures = field(default_factory=dict)
    not_run: str = ""

    @property
    def key(self) -> str:
        """What tells it from the others of its plan."""
        return f"{self.label}, {self.budget}" if self.budget else self.label


Side = tuple[str, Branch]


@dataclass(frozen=True)
class Comparison:
    """Two lines, each by its key and a branch, of which a claim has the first one higher."""

    higher: Side
    lower: Side


@dataclass(frozen=True)
class Claim:
    """Something the paper says, in its words, and the comparisons it stands or falls with; none where it is not tested.

    Attributes:
        margin: by how many points the higher side may fall short, where the claim is that nothing is lost; below 0: by
            how many it has to be ahead.
        about: what holds of the test that a reader should know, such as that the paper's own table disagrees.
        budget: what its runs have equal, where they are made twice: the two can give opposite answers.
    """

    says: str
    where: str
    comparisons: Sequence[Comparison] = ()
    about: str = ""
    margin: float = 0.0
    budget: Budget = ""


@dataclass(frozen=True)
class Plan:
    """All that is to be trained and looked at for one table or figure.

    Attributes:
        comparisons: of lines that no claim is about.
    """

    name: str
    title: str
    about: str
    lines: Sequence[Line]
    claims: Sequence[Claim] = ()
    comparisons: Sequence[Comparison] = ()

    def recipes(self, seeds: Sequence[int]) -> dict[str, Recipe]:
        """Return the runs it needs by identity; lines of the same recipe share theirs."""
        wanted = [with_seed(line.recipe, seed) for line in self.lines if line.recipe is not None for seed in seeds]
        return {identity(recipe): recipe for recipe in wanted}


def change(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe with values by `section.key` replaced; raises RecipeError where they do not fit together."""
    values = recipe.model_dump()
    for key, value in changes.items():
        section, _, name = key.partition(".")
        values[section][name] = value
    return validate_recipe(values, "with " + ", ".join(f"{key} = {value}" for key, value in changes.items()))


def with_iterations(recipe: Recipe, iterations: int) -> Recipe:
    """Return the recipe for as many iterations, its schedule stretched or shrunk along."""
    share = iterations / recipe.schedule.iterations
    milestones = sorted({max(1, round(share * milestone)) for milestone in recipe.schedule.milestones})
    changes = {
        "schedule.iterations": iterations,
        "schedule.milestones": milestones,
        "schedule.warmup": round(share * recipe.schedule.warmup),
        "training.validate_every": iterations,
    }
    return change(recipe, changes)


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return the recipe of one of several runs that differ by chance alone."""
    return change(recipe, {"training.seed": seed})


def identity(recipe: Recipe) -> str:
    """Return a name, the same for recipes that train the same network on the same clips.

    The run's name, the device and what only takes time play no part in it.
    """
    values = recipe.model_dump(mode="json", exclude={"name": True, **_NOT_THE_RECIPE})
    for key in ("root", "validation_root"):
        if values["data"][key] not in ("", SYNTHETIC_PEOPLE):
            values["data"][key] = _absolute(values["data"][key])
    for key in ("weights", "weights3d"):
        if Path(values["start"][key]).is_file():  # else it is a word, such as imagenet
            values["start"][key] = _absolute(values["start"][key])
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def work(recipe: Recipe) -> int:
    """Return the frames that a run sees in training, by which progress is counted."""
    return recipe.schedule.iterations * recipe.training.batch_size * recipe.clip.frames


def make_line(
    base: Recipe,
    label: str,
    changes: Mapping[str, Any],
    *,
    look: Look | None = None,
    budget: Budget = "",
    frames: int = 0,
    value: float | None = None,
    paper: Figures | None = None,
    not_run: str = "",
) -> Line:
    """Return a line of the base recipe with changes; where these do not fit, its reason stands in its place.

    Args:
        look: how it is scored; where None by single glances, or by clips as trained where it needs clips.
        frames: if given, the frames that its run may see in all, in the place of the base's iterations.
    """
    if not_run:
        return Line(label, None, look or Look(), budget, value, paper or {}, not_run)
    try:
        recipe = change(base, {**changes, "training.validate_every": base.schedule.iterations})
        if frames:
            recipe = with_iterations(recipe, max(1, round(frames / (recipe.training.batch_size * recipe.clip.frames))))
    except RecipeError as error:
        return Line(label, None, look or Look(), budget, value, paper or {}, str(error))
    if look is None:
        glances = bool(VARIANTS[recipe.model.variant].glance)
        look = Look() if glances else Look(frames=recipe.clip.frames)
    return Line(label, recipe, look, budget, value, paper or {})
