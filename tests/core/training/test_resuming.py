import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tmnet_core.checkpoint import iterations_of, load_checkpoint
from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.errors import DataError, RecipeError
from tmnet_core.training.events import Stepped, Validated, current_events
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train

pytestmark = pytest.mark.usefixtures("_one_thread")

KILLER = Path(__file__).with_name("kill_often.py")


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    values = recipe.model_dump()
    for section, changes in sections.items():
        values[section].update(changes)
    return Recipe.model_validate(values)


def assert_equal_states(first: Any, second: Any, place: str = "state") -> None:
    assert type(first) is type(second), place
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), place
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), place
        for key in first:
            assert_equal_states(first[key], second[key], f"{place}.{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), place
        for number, pair in enumerate(zip(first, second, strict=True)):
            assert_equal_states(*pair, f"{place}[{number}]")
    else:
        assert first == second, place


def metrics_of(run: RunFolder) -> list[dict[str, str]]:
    with run.metrics_file.open(newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key != "time"} for row in csv.DictReader(file)]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork and no SIGKILL there")
@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_a_run_that_is_killed_again_and_again_ends_bit_equal_to_one_that_never_was(
    tmp_path: Path, tiny_recipe: Recipe, kills: int
) -> None:
    recipe = changed(
        tiny_recipe,
        model={"dropout": 0.5},
        optimizer={"name": "sgd", "learning_rate": 0.001},
        schedule={"iterations": 5 * kills, "warmup": 3},
        training={"batch_size": 5, "validate_every": 7, "save_every": 1},
    )
    file = tmp_path / "recipe.toml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(KILLER), str(file), str(tmp_path), str(kills), "1"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == kills, told
    assert len(set(told["saved"])) > kills // 3, told
    whole, killed = RunFolder.open(Path(told["whole"])), RunFolder.open(Path(told["killed"]))

    states = [run.load_state() for run in (whole, killed)]
    assert states[0].pop("recipe") == states[1].pop("recipe")
    assert_equal_states(*states)
    for name in ("best.safetensors", "last.safetensors"):
        networks = [load_checkpoint(run.path / name) for run in (whole, killed)]
        assert_equal_states(*[dict(network.model.state_dict()) for network in networks])
        assert networks[0].header.metrics == networks[1].header.metrics
    assert metrics_of(whole) == metrics_of(killed)
    assert not list(killed.path.glob(".*"))

    events = [current_events(run.events_file) for run in (whole, killed)]
    validated = [{event.iteration: event.metrics for event in each if isinstance(event, Validated)} for each in events]
    assert validated[0] == validated[1]
    steps = [event.iteration for event in events[1] if isinstance(event, Stepped)]
    assert steps == sorted(set(steps)), "a step is told once, or was superseded"


def stop_at(run: RunFolder, iteration: int) -> Any:
    def report(event: Any) -> None:
        if isinstance(event, Validated) and event.iteration == iteration:
            run.ask_to_stop()

    return report


def test_a_changed_recipe_is_shown_and_refused_unless_asked_for(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    train(tiny_recipe, run, report=stop_at(run, 6))
    before = run.events_file.read_bytes()
    new = changed(tiny_recipe, optimizer={"learning_rate": 0.5, "weight_decay": 0.1}, schedule={"iterations": 7})
    with pytest.raises(RecipeError) as refused:
        train(new, run, resume=True)
    assert "optimizer.learning_rate: 0.003 -> 0.5; optimizer.weight_decay" in str(refused.value)
    assert "--accept-changes" in str(refused.value)
    assert (run.events_file.read_bytes(), run.recipe()) == (before, tiny_recipe)

    told: list[Any] = []
    assert train(new, run, resume=True, accept_recipe=True, report=told.append).iteration == 7
    assert told[0].changes == (
        "optimizer.learning_rate: 0.003 -> 0.5",
        "optimizer.weight_decay: 0.0005 -> 0.1",
        "schedule.iterations: 12 -> 7",
    )
    assert run.recipe() == new
    (group, _) = run.load_state()["optimizer"]["param_groups"]
    assert (group["initial_lr"], group["weight_decay"]) == (0.5, 0.1)


def test_another_network_is_not_gone_on_with(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    train(tiny_recipe, run, report=stop_at(run, 6))
    saved = run.state_file.read_bytes()
    with pytest.raises(RecipeError, match="another network; start a new run"):
        train(changed(tiny_recipe, model={"split": "3/1"}), run, resume=True, accept_recipe=True)
    assert run.state_file.read_bytes() == saved


def test_other_clips_are_not_gone_on_with_unless_asked_for(
    tmp_path: Path, tiny_recipe: Recipe, coloured_clips: Path
) -> None:
    roots = {name: shutil.copytree(coloured_clips, tmp_path / name) for name in ("training", "validation")}
    recipe = changed(
        tiny_recipe,
        data={"root": str(roots["training"]), "validation_root": str(roots["validation"])},
        training={"batch_norm": "frozen"},
    )
    run = RunFolder.create(tmp_path, recipe)
    train(recipe, run, report=stop_at(run, 6))
    new = changed(recipe, schedule={"iterations": 7})
    for part, root in reversed(roots.items()):  # of both, the clips to train on are named first
        shutil.copy(root / "red" / "red_0.mp4", root / "red" / "red_9.mp4")
        refusal = f"its {part} clips are not those that run .* was saved with.*--accept-changes"
        with pytest.raises(DataError, match=refusal):
            train(new, run, resume=True, accept_recipe=True)
    saved = run.load_state()
    assert train(recipe, run, resume=True, accept_clips=True).outcome == "finished"
    del saved["digests"]  # an earlier version did not save what they were
    run.save_state(saved)
    assert train(recipe, run, resume=True).outcome == "finished"


def test_a_run_that_was_never_saved_starts_at_its_beginning(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, schedule={"iterations": 1})
    run = RunFolder.create(tmp_path, recipe)
    (run.path / ".state.pt.1234.tmp").write_bytes(b"half")
    assert train(recipe, run, resume=True).iteration == 1
    assert not list(run.path.glob(".*"))


def test_figures_that_a_killed_process_saved_but_did_not_tell_are_told(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, changed(tiny_recipe, schedule={"iterations": 6}))
    train(run.recipe(), run)
    whole = metrics_of(run)
    lines = run.events_file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if '"kind":"validated"' not in line and '"kind":"ended"' not in line]
    run.events_file.write_text("".join(kept), encoding="utf-8")
    for _ in range(2):  # and are told once
        train(run.recipe(), run, resume=True)
        assert metrics_of(run) == whole
        assert sum(isinstance(event, Validated) for event in current_events(run.events_file)) == 1


def test_a_new_best_network_is_there_when_it_is_told(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    there = []

    def look(event: Any) -> None:
        if isinstance(event, Validated) and event.best:
            there.append(iterations_of(run.best_checkpoint) == event.iteration)

    train(tiny_recipe, run, report=look)
    assert there
    assert all(there)


def test_checkpoints_follow_from_the_saved_state(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, changed(tiny_recipe, schedule={"iterations": 6}))
    train(run.recipe(), run)
    networks = {
        path: dict(load_checkpoint(path).model.state_dict()) for path in (run.best_checkpoint, run.last_checkpoint)
    }
    for path in networks:
        path.unlink()  # as if the power had failed between the files
    train(run.recipe(), run, resume=True)
    for path, weights in networks.items():
        assert_equal_states(weights, dict(load_checkpoint(path).model.state_dict()))
