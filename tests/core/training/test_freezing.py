from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tmnet_core.config import Recipe, load_recipe
from tmnet_core.errors import RecipeError
from tmnet_core.training.freezing import set_training_mode
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("_one_thread")


def train_two_steps(recipe: Recipe, folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return all tensors before and after."""
    trainer = Trainer(recipe, RunFolder.create(folder, recipe), lambda event: None)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    for _, parts in zip(range(2), trainer.read_steps(), strict=False):
        trainer.step(parts, sum(map(len, parts)))
    return before, trainer.model.state_dict()


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    values = recipe.model_dump()
    for section, changes in sections.items():
        values[section].update(changes)
    return Recipe.model_validate(values)


def test_frozen_stages_keep_weights_and_statistics_in_all_parts(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, training={"frozen_stages": 4}, model={"split": "2/2"})
    before, after = train_two_steps(recipe, tmp_path)
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved
    for name in before:
        frozen = any(f".{stage}." in name for stage in ("stem", "stage1", "stage2", "stage3"))
        assert (name not in moved) or not frozen, name
    assert {name.split(".")[0] for name in moved} == {"classification", "regression", "classifier"}


def test_a_network_without_stages_has_none_to_freeze(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, model={"variant": "c3d", "width": 1.0}, clip={"frames": 16, "size": 112})
    with pytest.raises(RecipeError, match=r"training\.frozen_stages: this network has no stages"):
        Trainer(changed(recipe, training={"frozen_stages": 1}), RunFolder.create(tmp_path, recipe), lambda event: None)


def test_partial_batch_norm_learns_the_statistics_of_the_first_layer_alone(tmp_path: Path, tiny_recipe: Recipe) -> None:
    before, after = train_two_steps(changed(tiny_recipe, training={"batch_norm": "partial"}), tmp_path)
    statistics = [name for name in before if name.endswith("running_mean")]
    moved = [name for name in statistics if not torch.equal(before[name], after[name])]
    assert moved == statistics[:1]
    affine = [name for name in before if name.endswith("1.weight") and before[name].dim() == 1]
    assert any(not torch.equal(before[name], after[name]) for name in affine[1:]), "their weights still learn"


@pytest.mark.parametrize(
    ("mode", "frozen", "training"),
    [
        ("train", 0, [True, True, True]),
        ("partial", 0, [True, False, True]),
        ("frozen", 0, [False, False, True]),
        ("train", 1, [False, True, True]),
    ],
)
def test_what_is_in_training_mode(mode: Any, frozen: int, training: list[bool]) -> None:
    model = nn.Sequential()
    model.add_module("stem", nn.BatchNorm2d(1))
    model.add_module("stage1", nn.BatchNorm2d(1))
    model.add_module("dropout", nn.Dropout())
    set_training_mode(model, mode, frozen_stages=frozen)
    assert [module.training for module in model] == training


def test_the_order_in_memory_can_be_chosen(tmp_path: Path, tiny_recipe: Recipe) -> None:
    for wanted in (True, False):
        recipe = changed(tiny_recipe, training={"channels_last": wanted})
        trainer = Trainer(recipe, RunFolder.create(tmp_path, recipe), lambda event: None)
        kernels = [value for value in trainer.model.parameters() if value.dim() == 4]
        weight = next(value for value in kernels if value.shape[1] > 1 and value.shape[2] > 1)
        assert weight.is_contiguous(memory_format=torch.channels_last) is wanted


def test_the_paper_s_recipe_follows_tsn_where_the_paper_is_silent() -> None:
    paper = load_recipe("paper")
    assert (paper.training.batch_size, paper.training.batch_norm, paper.model.dropout) == (256, "partial", 0.8)
    assert (paper.optimizer.momentum, paper.optimizer.weight_decay) == (0.9, 5e-4)
    assert (paper.optimizer.learning_rate, paper.schedule.milestones) == (0.01, (10_000, 16_000))
    assert (paper.schedule.iterations, paper.clip.frames, paper.clip.interval) == (24_000, 16, 2)
    assert paper.objective.alpha == 0.8
