"""What the README names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from tmnet_core.cli import app
from tmnet_core.config import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = {name: type(getattr(Recipe(), name)).model_fields for name in Recipe.model_fields if name != "name"}
COMMANDS = typer.main.get_command(app).commands


def test_the_tests_are_run_in_one_way():
    """Wherever all of them are run; a test or a mark that is named is run as is."""
    told = {
        name: set(re.findall(r"bin/pytest(.*)", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("README.md", "CONTRIBUTING.md", ".ci/run")
    }
    assert told["README.md"] == {" -n 2 --dist loadfile"}
    assert told["README.md"] <= told["CONTRIBUTING.md"]
    assert any('" -n 2 --dist loadfile ' in command for command in told[".ci/run"])


def test_every_key_of_a_recipe_is_one():
    named = re.findall(rf"\b({'|'.join(SECTIONS)})\.([a-z_]+)\b", README)
    assert len(named) > 10
    # start.weights=resnet18.pth and alike: a key ends where its value begins.
    assert [f"{section}.{key}" for section, key in named if key not in SECTIONS[section]] == []


def test_overrides_are_accepted():
    overrides = re.findall(r"--set (\S+?)`?(?=\s|\.\s|$)", README)
    assert overrides
    load_recipe("quick", [override.rstrip("`.") for override in overrides])


def test_every_command_and_option_exists():
    lines = re.findall(r"^ {4}tmnet ([\w-]+)(.*)$", README, re.MULTILINE)
    assert {command for command, _ in lines} >= {"train", "evaluate", "info", "glance", "bench", "recipes", "data"}
    for name, rest in lines:
        command = COMMANDS[name]
        if hasattr(command, "commands"):  # a group, such as `tmnet data`
            command = command.commands[rest.split()[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z0-9-]+", rest.partition("#")[0])) <= known


@pytest.mark.parametrize("path", re.findall(r"\]\(([A-Z][\w.]*)\)", README))
def test_linked_files_exist(path):
    assert (ROOT / path).is_file()


def test_the_map_names_what_there_is():
    block = README.partition("## What is where")[2].partition("```\n")[2].partition("```")[0]
    folder = Path()
    for line in block.splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = Path(name)
        path = ROOT / folder / name if line.startswith(" ") else ROOT / name
        assert path.exists(), path
