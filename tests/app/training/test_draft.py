import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tmnet_app.training.draft import RecipeDraft, flatten, nest
from tmnet_app.training.fields import in_form_words, recipe_fields
from tmnet_core.config import Recipe, load_recipe, shipped_recipes
from tmnet_core.errors import RecipeError


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_shipped_recipe_comes_through_unchanged(name: str) -> None:
    draft = RecipeDraft(name)
    assert draft.recipe == load_recipe(name)
    assert draft.changed_keys() == []
    assert Recipe.model_validate(nest(flatten(draft.recipe))) == draft.recipe


def test_a_wrong_value_is_told_at_its_key_and_taken_back() -> None:
    draft = RecipeDraft()
    draft.set_value("optimizer.learning_rate", "fast")
    draft.set_value("clip.frames", 0)
    assert draft.recipe is None
    assert draft.problems == {
        "optimizer.learning_rate": "Write a number, such as 0.01 or 1e-3.",
        "clip.frames": "This must be at least 1.",
    }
    draft.reset("optimizer.learning_rate")
    draft.reset("clip.frames")
    assert draft.problems == {}
    assert draft.recipe == load_recipe("quick")


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"model.width": 0.5, "model.backbone": "resnet18"}, "model.width"),
        ({"schedule.milestones": (300, 100)}, "schedule.milestones"),
        ({"data.cache": "memory", "training.workers": 2}, "data.cache"),
        ({"model.variant": "c3d"}, "clip.frames"),
    ],
)
def test_what_does_not_go_together_is_told_at_one_of_the_keys(values: dict[str, object], key: str) -> None:
    draft = RecipeDraft()
    for name, value in values.items():
        draft.set_value(name, value)
    assert list(draft.problems) == [key]


def test_another_base_keeps_the_data_and_a_chosen_name() -> None:
    draft = RecipeDraft()
    draft.set_value("data.root", "/my clips")
    draft.start_from("paper")
    assert draft.value("name") == "paper"
    draft.set_value("name", "mine")
    draft.start_from("quick")
    assert draft.changed_keys() == ["name", "data.root"]


def test_another_shipped_recipe_keeps_what_a_person_chose_and_tells_what_it_changed() -> None:
    draft = RecipeDraft("quick")
    mine = {"model.backbone": "resnet18", "start.weights": "none", "clip.frames": 5, "data.validation_fraction": 0.5}
    for key, value in mine.items():
        draft.set_value(key, value)
    others = draft.start_from("paper")
    assert {key: draft.value(key) for key in mine} == mine
    assert set(draft.changed_keys()) == {key for key, value in mine.items() if value != draft.base_value(key)}
    quick, paper = flatten(load_recipe("quick")), flatten(load_recipe("paper"))
    assert set(others) == {key for key in quick if quick[key] != paper[key] and key not in mine}
    # A choice that is given back is the other recipe's.
    draft.reset("clip.frames")
    assert draft.value("clip.frames") == paper["clip.frames"]


def test_sentences_speak_the_form_s_words() -> None:
    said = "Make training.batch_size or clip.frames smaller, set start.weights3d = 'start.weights', not my.clip.size."
    assert in_form_words(said) == (
        "Make “Batch size” or “Frames of a clip, T” smaller, set “Weights 3D” = 'start.weights', not my.clip.size."
    )


def test_save_and_load(tmp_path: Path) -> None:
    draft = RecipeDraft("paper")
    draft.set_value("name", "wave ü")
    draft.set_value("augmentation.scales", (1.0, 0.5))
    draft.save(tmp_path / "mine ü.toml")
    other = RecipeDraft()
    other.start_from(str(tmp_path / "mine ü.toml"))
    assert other.recipe == draft.recipe
    with pytest.raises(RecipeError, match="no such file"):
        other.start_from(str(tmp_path / "none.toml"))
    assert other.recipe == draft.recipe


ODD = {
    "name": "a 'name' ü",
    "data.root": "/my clips/ü 'x'",
    "data.validation_root": "true",
    "start.weights": "/a b/w.pth",
    "start.mean": (0.5, 0.25, 0.125),
    "optimizer.weight_decay": 5e-6,
    "schedule.milestones": (),
    "objective.reaches_base": True,
    "clip.key_frame": "ending",
}


@pytest.mark.skipif(sys.platform == "win32", reason="the line is for that shell there")
def test_the_command_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tmnet_core.cli import app
    from tmnet_core.training import launching
    from tmnet_core.training.run_folder import RunFolder

    draft = RecipeDraft("quick")
    for key, value in ODD.items():
        draft.set_value(key, value)
    launched: list[RunFolder] = []
    monkeypatch.setattr(launching, "launch", lambda run, **options: launched.append(run))
    words = shlex.split(draft.command())
    done = CliRunner().invoke(app, [*words[1:], "--detach", "--runs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert launched[0].recipe() == draft.recipe


def test_every_key_is_there() -> None:
    assert set(recipe_fields()) == set(flatten(Recipe()))
