from pathlib import Path

import pytest
import torch

from tmnet_core.config import Recipe
from tmnet_core.errors import RecipeError, TMNetError
from tmnet_core.training.run_folder import RunFolder, default_runs_folder


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    recipe = Recipe(name="wave ü")
    names = [RunFolder.create(tmp_path, recipe).path.name for _ in range(3)]
    assert names == ["wave ü", "wave ü-2", "wave ü-3"]


def test_the_recipe_comes_back(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"name": "x", "clip": {"frames": 7}, "augmentation": {"scales": [1.0, 0.5]}})
    assert RunFolder.create(tmp_path, recipe).recipe() == recipe


def test_a_folder_without_a_recipe_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"not the folder of a run"):
        RunFolder.open(tmp_path)


def test_runs_cannot_be_made_inside_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(TMNetError, match="runs"):
        RunFolder.create(tmp_path / "runs", Recipe())


def test_a_stop_request_is_taken_once(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    assert not run.take_stop_request()
    run.ask_to_stop()
    assert run.take_stop_request()
    assert not run.take_stop_request()


def test_state_comes_back_and_damage_is_a_sentence(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    with pytest.raises(TMNetError, match="nothing was saved yet"):
        run.load_state()
    run.save_state({"model": {"weight": torch.ones(2)}, "progress": {"iteration": 3}})
    assert run.load_state()["progress"] == {"iteration": 3}
    run.state_file.write_bytes(run.state_file.read_bytes()[:100])
    with pytest.raises(TMNetError, match="damaged"):
        run.load_state()


def test_the_runs_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMNET_RUNS", "somewhere")
    assert default_runs_folder() == Path("somewhere")


def test_a_run_that_never_began_is_discarded_and_one_that_was_saved_is_kept(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    kept = RunFolder.create(tmp_path, Recipe())
    kept.save_state({"progress": 1})
    for one in (run, kept):
        one.discard_unless_trained()
    assert not run.path.exists()
    assert kept.load_state() == {"progress": 1}
