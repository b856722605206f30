"""`tmnet train --detach`, `tmnet stop`, `tmnet trial`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tmnet_core.cli import app
from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.errors import TMNetError
from tmnet_core.training import launching
from tmnet_core.training.events import Continued, Ended, Paused, read_events
from tmnet_core.training.run_folder import RunFolder


def tmnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def kinds(run: RunFolder) -> set[type]:
    return {type(event) for event in read_events(run.events_file)} if run.events_file.exists() else set()


def test_a_detached_run_pauses_continues_and_stops(
    tmp_path: Path, tiny_recipe: Recipe, script_child, wait_until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMNET_RUNS", str(tmp_path / "runs"))
    script_child("started", "obey")
    (tmp_path / "tiny.toml").write_text(dump_recipe(tiny_recipe), encoding="utf-8")
    started = tmnet("train", tmp_path / "tiny.toml", "--name", "läuft", "--detach")
    assert started.exit_code == 0, started.output
    run = RunFolder.open(Path(started.output.strip()))
    assert run.recipe() == tiny_recipe.model_copy(update={"name": "läuft"})
    wait_until(lambda: launching.is_training(run) and kinds(run))
    for how, kind in (("pause", Paused), ("continue", Continued)):
        assert tmnet("stop", run.path.name, "--how", how).exit_code == 0
        wait_until(lambda kind=kind: kind in kinds(run))
    assert tmnet("stop", run.path).exit_code == 0
    wait_until(lambda: not launching.is_training(run))
    assert Ended in kinds(run)
    launching.cancel(run)


def test_a_run_is_cancelled_and_one_that_does_not_go_on_cannot_be_stopped(run: RunFolder, script_child) -> None:
    script_child("started", "deaf", "hold")
    launching.launch(run)
    assert tmnet("stop", run.path, "--how", "cancel").exit_code == 0
    assert not launching.is_training(run)
    refused = tmnet("stop", run.path)
    assert isinstance(refused.exception, TMNetError)
    assert "no process trains it" in str(refused.exception)
    assert not run.stop_file.exists()


def test_a_trial_is_told_and_written(tmp_path: Path, tiny_recipe: Recipe, coloured_clips: Path) -> None:
    (tmp_path / "tiny.toml").write_text(dump_recipe(tiny_recipe), encoding="utf-8")
    tried = tmnet("trial", tmp_path / "tiny.toml", "--data", coloured_clips, "--json", tmp_path / "needs.json")
    assert tried.exit_code == 0, tried.output
    assert "GiB, about" in tried.output
    assert json.loads((tmp_path / "needs.json").read_text())["iterations"] == 12


def test_a_trial_of_a_wrong_recipe_is_a_sentence(tmp_path: Path) -> None:
    refused = tmnet("trial", "quick", "--data", tmp_path / "nothing")
    assert isinstance(refused.exception, TMNetError)
    assert "nothing" in str(refused.exception)


@pytest.mark.parametrize("how", ["keep", "cancel"])
def test_what_is_no_run_is_not_stopped(tmp_path: Path, how: str) -> None:
    refused = tmnet("stop", tmp_path, "--how", how)
    assert "not the folder of a run" in str(refused.exception)


def test_a_run_stands_for_its_last_checkpoint(
    tmp_path: Path, tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for its best one, which was chosen on the clips that it would be scored on."""
    monkeypatch.setenv("TMNET_RUNS", str(tmp_path))
    run = RunFolder.create(tmp_path, tiny_recipe)
    for named in (run.path, run.path.name):
        refused = tmnet("evaluate", named, "clips")
        assert str(refused.exception) == f"checkpoint {run.last_checkpoint}: there is no such file"
