import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tmnet_core.config import Recipe, load_recipe
from tmnet_core.training import run_list
from tmnet_core.training.events import Continued, Ended, Event, EventLog, Paused, Skipped, Started, Validated
from tmnet_core.training.launching import ProcessNote
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.run_list import RememberedRuns, RunSummary, list_runs, nearest_recipe, summarise_run

# After any process of these tests was born.
LATER = 9e9
STARTED = Started(iteration=0, iterations=9, device="CPU", classes=3, clips=12, validation_clips=6, weights="random")


@pytest.fixture(scope="module")
def process() -> Iterator[psutil.Process]:
    """A process that waits, in the place of one that trains."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield psutil.Process(child.pid)
    child.communicate(b"\n")


def note_process(run: RunFolder, pid: int, created: float) -> None:
    note = ProcessNote(pid=pid, created=created, launched=created)
    run.process_file.write_text(note.model_dump_json(), encoding="utf-8")


@pytest.mark.parametrize(
    ("events", "alive", "dead"),
    [
        ([], "running", "killed"),
        ([STARTED], "running", "killed"),
        ([STARTED, Paused(iteration=3)], "paused", "killed"),
        ([STARTED, Paused(iteration=3), Continued(iteration=3)], "running", "killed"),
        ([STARTED, Ended(iteration=3, outcome="stopped", time=1.0)], "running", "stopped"),
        ([STARTED, Ended(iteration=9, outcome="finished", time=LATER)], "finished", "finished"),
        ([STARTED, Ended(iteration=4, outcome="failed", reason="no room", time=LATER)], "failed", "failed"),
    ],
)
def test_the_state_is_told_by_the_last_event_and_the_process(
    tmp_path: Path, process: psutil.Process, events: list[Event], alive: str, dead: str
) -> None:
    run = RunFolder.create(tmp_path, Recipe())
    with EventLog(run.events_file) as log:
        for event in events:
            log.write(event)
    assert summarise_run(run).state == dead, "without a process"
    note_process(run, process.pid, process.create_time())
    assert summarise_run(run).state == alive
    note_process(run, process.pid, process.create_time() - 100)
    assert summarise_run(run).state == dead, "its number has gone to another process"


def test_a_run_is_summed_up_by_its_best_figures_and_its_recipe(tmp_path: Path) -> None:
    recipe = load_recipe("quick", ["name=one", "data.root=somewhere", "schedule.iterations=9", "clip.frames=4"])
    run = RunFolder.create(tmp_path, recipe)
    figures = {branch: {"top1": 0.5, "top5": 1.0, "map": 0.4} for branch in ("RB", "CB")}
    with EventLog(run.events_file) as log:
        log.write(STARTED)
        log.write(Validated(iteration=3, metrics=figures, best=True))
        for _ in range(2):
            log.write(Skipped(iteration=3, video="a.mp4", reason="it is empty"))
        log.write(Validated(iteration=6, metrics={"RB": {"top1": 0.1, "top5": 1.0, "map": 0.4}}, best=False))
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").write_text("")
    (summary,) = list_runs(tmp_path)
    assert (summary.name, summary.iteration, summary.iterations) == ("one", 6, 9)
    assert (summary.best_iteration, summary.best) == (3, figures)
    assert summary.left_out == 1
    assert summary.recipe == "quick"
    assert summary.changes == ["clip.frames: 3 -> 4", "schedule.iterations: 800 -> 9"]


def test_a_shipped_recipe_is_its_own_nearest(tmp_path: Path) -> None:
    assert nearest_recipe(load_recipe("paper", ["name=other", "data.root=x"])) == ("paper", [])


def test_the_command_lists_runs_without_waiting_for_torch(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, load_recipe("quick", ["clip.frames=5"]))
    code = "import sys, tmnet_core.__main__ as m; m.main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, "runs", "--runs", str(tmp_path), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=True,
    )
    assert json.loads(done.stdout)[0]["name"] == "quick"
    assert "| torch\n" not in done.stderr
    table = subprocess.run(
        [sys.executable, "-m", "tmnet_core", "runs", "--runs", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "160"},
        check=True,
    )
    assert "killed" in table.stdout
    assert "quick: recipe quick, but clip.frames: 3 -> 5\n" in table.stdout


def test_a_run_that_is_as_it_was_is_not_read_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def summarise(run: RunFolder) -> RunSummary:
        read.append(run.path.name)
        return summarise_run(run)

    monkeypatch.setattr(run_list, "summarise_run", summarise)
    runs = RememberedRuns()
    assert runs.look(run.path.parent) == runs.look(run.path.parent) != []
    assert len(read) == 1
    with EventLog(run.events_file) as log:
        log.write(Ended(iteration=7, outcome="stopped"))
    assert runs.look(run.path.parent)[0].iteration == 7
    assert len(read) == 2
