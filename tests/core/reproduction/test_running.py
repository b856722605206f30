import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from tmnet_core.config import dump_recipe
from tmnet_core.data.clip_sources import open_clip_sources
from tmnet_core.models.stages2d import build_network
from tmnet_core.reproduction import running
from tmnet_core.reproduction.plan import change, identity, work
from tmnet_core.reproduction.plans import Settings
from tmnet_core.reproduction.running import Told, find_runs, is_finished, train_runs
from tmnet_core.training.events import Started, current_events, read_events
from tmnet_core.training.launching import ProcessNote
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train


def by_identity(*recipes):
    return {identity(recipe): recipe for recipe in recipes}


def test_a_run_that_is_there_is_used_again_and_one_that_was_stopped_goes_on(
    tmp_path: Path, tiny_settings: Settings
) -> None:
    base = tiny_settings.base()
    other = change(base, {"objective.alpha": 0.1})
    # One that somebody trained under another name, and one that was asked to stop after a step.
    done = RunFolder.create(tmp_path, base.model_copy(update={"name": "mine"}))
    train(base, done)
    stopped = RunFolder.create(tmp_path, other)
    stopped.ask_to_stop()
    assert train(other, stopped).outcome == "stopped"

    told: list[Told] = []
    outcome = train_runs(by_identity(base, other), tmp_path, ["cpu"], tell=told.append)
    assert not outcome.reasons
    assert {run.path for run in outcome.runs.values()} == {done.path, stopped.path}
    assert [run.count for run in told][-1] == 1
    assert told[-1].done == told[-1].total == work(other)
    starts = [event.iteration for event in read_events(stopped.events_file) if isinstance(event, Started)]
    assert starts == [0, 1]
    assert len([event for event in read_events(done.events_file) if isinstance(event, Started)]) == 1


def test_ctrl_c_keeps_what_was_done(tmp_path: Path, tiny_settings: Settings) -> None:
    base = tiny_settings.base()
    recipes = by_identity(base, change(base, {"objective.alpha": 0.1}))

    first, second = recipes

    def interrupt(told: Told) -> None:
        if told.number == 2:
            find_runs(tmp_path)[second].ask_to_stop()  # its first step then ends as Ctrl-C lets it end

    outcome = train_runs(recipes, tmp_path, ["cpu"], tell=interrupt)
    assert outcome.interrupted
    assert set(outcome.runs) == {first}
    assert outcome.reasons == {second: "interrupted; the same command goes on"}
    find_runs(tmp_path)[second].take_stop_request()
    assert set(train_runs(recipes, tmp_path, ["cpu"]).runs) == set(recipes)


def test_a_run_that_cannot_begin_leaves_a_reason_and_no_folder(tmp_path: Path, tiny_settings: Settings) -> None:
    lost = replace(tiny_settings, overrides=[*tiny_settings.overrides, "start.weights=nosuch.pth"]).base()
    base = tiny_settings.base()
    told: list[Told] = []
    outcome = train_runs(by_identity(lost, base), tmp_path, ["cpu"], tell=told.append)
    assert told[-1].done == told[-1].total == work(base)
    assert "nosuch.pth" in outcome.reasons[identity(lost)]
    assert set(outcome.runs) == {identity(base)}
    assert [path.name for path in tmp_path.iterdir()] == [outcome.runs[identity(base)].path.name]


def test_several_devices_share_the_runs_and_what_fails_on_one_does_not_end_it(
    tmp_path: Path, tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_LOOK_SECONDS", 0.1)
    base = tiny_settings.base()
    silent = change(base, {"objective.alpha": 0.1})
    lost = change(base, {"start.weights": "nosuch.pth"})
    recipes = by_identity(silent, lost, base)
    # What its process says cannot be written there.
    folder = RunFolder.create(tmp_path, silent.model_copy(update={"name": running.run_name(silent)}))
    (folder.path / "child.txt").mkdir()
    told: list[Told] = []
    outcome = train_runs(recipes, tmp_path, ["cpu", "cpu"], threads=1, tell=told.append)
    assert set(outcome.runs) == {identity(base)}
    assert set(outcome.reasons) == {identity(silent), identity(lost)}
    assert "child.txt" in outcome.reasons[identity(silent)]
    assert "nosuch.pth" in outcome.reasons[identity(lost)]
    run = outcome.runs[identity(base)]
    assert is_finished(run)
    assert current_events(run.events_file)[-1].iteration == base.schedule.iterations
    assert told[-1].done == told[-1].total == work(base)


@pytest.mark.parametrize("devices", [["cpu"], ["cpu", "cpu"]])
def test_a_run_does_not_go_on_with_other_clips(
    tmp_path: Path, coloured_clips: Path, tiny_settings: Settings, devices: list[str]
) -> None:
    data = shutil.copytree(coloured_clips, tmp_path / "data")
    base = replace(tiny_settings, data=str(data)).base()
    run = RunFolder.create(tmp_path / "runs", base)
    run.ask_to_stop()
    assert train(base, run).outcome == "stopped"
    for path in (data / "red").glob("*.mp4"):
        path.rename(path.with_stem(f"{path.stem}_other"))
    outcome = train_runs(by_identity(base), tmp_path / "runs", devices, threads=1)
    assert "clips are not those that run" in outcome.reasons[identity(base)]
    assert not outcome.runs
    assert run.load_state()["progress"]["iteration"] == 1


def test_a_finished_run_of_other_clips_is_not_taken_for_one_of_these(
    tmp_path: Path, coloured_clips: Path, tiny_settings: Settings
) -> None:
    data = shutil.copytree(coloured_clips, tmp_path / "data")
    base = replace(tiny_settings, data=str(data)).base()
    (run,) = train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).runs.values()
    assert set(train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).runs) == {identity(base)}
    # The same names and sizes of classes, but one of the clips is another film by now.
    training, _ = open_clip_sources(base.data)
    shutil.copyfile(data / "red" / "red_0.mp4", training.name(0))
    outcome = train_runs(by_identity(base), tmp_path / "runs", ["cpu"])
    assert not outcome.runs
    assert outcome.reasons[identity(base)] == (
        f"the training clips are not those that run {run.path.name} was trained on; move its folder elsewhere to train "
        "it anew"
    )
    run.path.rename(tmp_path / "elsewhere")
    assert set(train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).runs) == {identity(base)}


def test_a_finished_run_of_other_start_weights_is_not_taken_for_one_of_these(
    tmp_path: Path, tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under whatever name: a path is the same file from any folder, and a file may be replaced."""
    weights = tmp_path / "weights.pth"
    torch.save(build_network("mobilenet_v2", 0.25).state_dict(), weights)
    base = change(tiny_settings.base(), {"start.weights": str(weights), "schedule.iterations": 1})
    (run,) = train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).runs.values()
    monkeypatch.chdir(tmp_path)
    assert identity(change(base, {"start.weights": "weights.pth"})) == identity(base)
    assert not train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).reasons
    torch.save(build_network("mobilenet_v2", 0.25).state_dict(), weights)
    (reason,) = train_runs(by_identity(base), tmp_path / "runs", ["cpu"]).reasons.values()
    assert reason.startswith(f"start.weights are not those that run {run.path.name} was trained from")


@pytest.fixture
def asked_to_end() -> Iterator[list[int]]:
    """A list of the SIGTERM that nothing but the test took."""
    missed: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: missed.append(number))
    yield missed
    signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be asked to end there")
def test_what_is_asked_to_end_ends_its_processes_first(
    tmp_path: Path, tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch, asked_to_end: list[int]
) -> None:
    """One that trains, and whatever the other has come to by then."""
    monkeypatch.setattr(running, "_LOOK_SECONDS", 0.1)
    endless = change(tiny_settings.base(), {"schedule.iterations": 100_000})
    recipes = by_identity(endless, change(endless, {"objective.alpha": 0.1}))
    asked = threading.Event()

    def end(told: Told) -> None:
        if told.done and not asked.is_set():
            asked.set()
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = train_runs(recipes, tmp_path, ["cpu", "cpu"], threads=1, tell=end)
    assert asked.is_set()
    assert not asked_to_end
    assert outcome.interrupted
    assert outcome.reasons == dict.fromkeys(recipes, "interrupted; the same command goes on")
    assert not [child for child in psutil.Process().children() if "train" in child.cmdline()]
    runs = find_runs(tmp_path).values()
    assert max(run.load_state()["progress"]["iteration"] for run in runs if run.state_file.exists()) > 0


def test_folders_that_are_no_runs_of_this_version_are_passed_over(tmp_path: Path, tiny_settings: Settings) -> None:
    for name, text in (("old", "[clip]\nunknown = 1\n"), ("good", dump_recipe(tiny_settings.base()))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.toml").write_text(text, encoding="utf-8")
    assert [run.path.name for run in find_runs(tmp_path).values()] == ["good"]


def test_a_run_that_another_process_trains_is_left_alone(tmp_path: Path, tiny_settings: Settings) -> None:
    base = tiny_settings.base()
    run = RunFolder.create(tmp_path, base)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        note = ProcessNote(pid=other.pid, created=psutil.Process(other.pid).create_time(), launched=time.time())
        run.process_file.write_text(note.model_dump_json(), encoding="utf-8")
        outcome = train_runs(by_identity(base), tmp_path, ["cpu"])
        other.communicate(b"\n")
    assert "another process trains it now" in outcome.reasons[identity(base)]
    assert not run.events_file.exists()
    assert set(train_runs(by_identity(base), tmp_path, ["cpu"]).runs) == {identity(base)}
