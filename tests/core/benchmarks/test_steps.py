from pathlib import Path

import pytest
import torch

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.steps import feeding_figure, memory_figure, step_recipe
from tmnet_core.config import Recipe


@pytest.mark.usefixtures("_one_thread")
def test_a_step_that_keeps_memory_is_set_against_one_that_does_not(coloured_clips: Path) -> None:
    recipe = step_recipe(Conditions("mobilenet_v2", 32, 3, torch.device("cpu"), coloured_clips), "mobilenet_v2")
    values = recipe.model_dump()
    values["training"]["workers"] = 0
    figure = memory_figure(Recipe.model_validate(values), 2, lambda done, total: None)
    assert figure.value > 0
    assert figure.what.startswith("TMNet-2D mobilenet_v2 2/2, 2 × 4 × 32²: a step in a process that keeps freed memory")


@pytest.mark.usefixtures("_one_thread")
def test_a_fed_step_is_set_against_one_on_clips_that_are_there(coloured_clips: Path) -> None:
    recipe = step_recipe(Conditions("mobilenet_v2", 32, 3, torch.device("cpu"), coloured_clips), "mobilenet_v2")
    values = recipe.model_dump()
    values["training"]["workers"] = 0
    told: list[tuple[int, int]] = []
    figure = feeding_figure(Recipe.model_validate(values), 2, lambda done, total: told.append((done, total)))
    assert figure.value > 0
    assert figure.what.startswith("TMNet-2D mobilenet_v2 2/2, 2 × 4 × 32²: a step fed by 0 workers")
    assert "clips/s" in figure.detail
    assert told[-1] == (2, 2)
