import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tmnet_core.config import Recipe, dump_recipe
from tmnet_core.errors import TMNetError
from tmnet_core.holder import Holder, this_host
from tmnet_core.training import launching
from tmnet_core.training.events import Ended, EventLog, read_events
from tmnet_core.training.following import EventFollower, last_lines
from tmnet_core.training.outcome import Standing, standing
from tmnet_core.training.record import RunRecord
from tmnet_core.training.run_folder import RunFolder

Script = Callable[..., None]
Wait = Callable[..., None]


def read(run: RunFolder) -> RunRecord:
    record = RunRecord()
    record.add(read_events(run.events_file) if run.events_file.exists() else [])
    return record


@pytest.fixture
def ended(run: RunFolder, wait_until: Wait) -> Callable[[], Standing]:
    """A function that launches the run and tells how it ended."""

    def end() -> Standing:
        process = launching.launch(run)
        wait_until(lambda: not process.alive)
        return standing(run, read(run), process)

    return end


def test_a_real_run_trains_apart_and_is_found_again(run: RunFolder, tiny_recipe: Recipe, wait_until: Wait) -> None:
    run.recipe_file.write_text(dump_recipe(tiny_recipe), encoding="utf-8")
    process = launching.launch(run, threads=1)
    assert os.getsid(process.pid) != os.getsid(0)
    again = launching.attach(run)
    assert again is not None
    assert (again.pid, again.alive, again.exit_status) == (process.pid, True, None)
    with pytest.raises(TMNetError, match="trains it already"):
        launching.launch(run)
    wait_until(lambda: not again.alive, 120)
    assert standing(run, read(run)) == Standing("finished", "Finished at iteration 12.")
    assert run.best_checkpoint.exists()
    assert any("finished at iteration 12" in line for line in last_lines(run.path / "log.txt", 5))


@pytest.mark.skipif(sys.platform == "win32", reason="priorities are classes there")
def test_training_yields_the_processor(run: RunFolder, script_child: Script, background_yields: None) -> None:
    script_child("hold")
    process = launching.launch(run)
    assert psutil.Process(process.pid).nice() > psutil.Process().nice()


def test_a_process_number_that_went_to_another_process_is_not_the_run(run: RunFolder) -> None:
    note = launching.ProcessNote(pid=os.getpid(), created=psutil.Process().create_time() - 100, launched=0.0)
    (run.path / "process.json").write_text(note.model_dump_json())
    assert not launching.is_training(run)
    assert launching.family(run) == []


def test_a_process_of_another_machine_is_respected(tmp_path: Path, tiny_recipe: Recipe) -> None:
    """Its number may be any process's here, this one's above all, and whether it runs is what its events say."""
    run = RunFolder.create(tmp_path, tiny_recipe)
    me = launching.ProcessNote(**Holder.me().model_dump(), launched=time.time())
    run.process_file.write_text(me.model_copy(update={"host": "other"}).model_dump_json())
    assert launching.is_training(run)
    assert launching.family(run) == []
    refusal = (
        rf"process {os.getpid()} of the machine other trains it already; if it no longer does, remove .*process\.json"
    )
    for take in (launching.claim, launching.launch):
        with pytest.raises(TMNetError, match=refusal):
            take(run)
    with pytest.raises(TMNetError, match="of the machine other trains it, and can be cancelled only there"):
        launching.cancel(run)
    with EventLog(run.events_file) as log:
        log.write(Ended(iteration=3, outcome="stopped"))
    assert not launching.is_training(run)
    launching.claim(run)
    assert launching.ProcessNote.model_validate_json(run.process_file.read_bytes()).host == this_host()


def test_a_note_of_an_earlier_version_is_of_this_machine(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    me = Holder.me()
    run.process_file.write_text(f'{{"pid": {me.pid}, "created": {me.created}, "launched": 0.0}}')
    process = launching.attach(run)
    assert process is not None
    assert (process.alive, process.elsewhere) == (True, False)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM cannot be ignored there")
def test_cancelling_ends_the_whole_family_within_ten_seconds(
    run: RunFolder, script_child: Script, wait_until: Wait
) -> None:
    script_child("started", "steps=5", "orphan", "child=deaf,hold", "deaf", "hold")
    process = launching.launch(run)
    wait_until(lambda: len(launching.family(run)) == 3)
    start = time.monotonic()
    launching.cancel(run)
    assert time.monotonic() - start < 10
    assert launching.family(run) == []
    assert not process.alive
    assert standing(run, read(run)).sentence == "Cancelled at iteration 5."
    launching.cancel(run)
    assert sum(isinstance(event, Ended) for event in read_events(run.events_file)) == 1


def test_cancelling_before_the_first_word_is_told(run: RunFolder, script_child: Script) -> None:
    script_child("hold")
    launching.launch(run)
    launching.cancel(run)
    assert standing(run, read(run)).state == "cancelled"
    # The end of that process is not the next one's.
    process = launching.launch(run)
    launching.cancel(run)
    launching.cancel(run)
    times = [event.time for event in read_events(run.events_file) if isinstance(event, Ended)]
    assert len(times) == 2
    assert times[-1] >= process.launched
    assert standing(run, read(run)).state == "cancelled"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torch cannot train in several processes there")
def test_ranks_of_torchrun_train_together_and_are_cancelled_together(
    run: RunFolder, tiny_recipe: Recipe, wait_until: Wait
) -> None:
    endless = tiny_recipe.model_copy(
        update={"schedule": tiny_recipe.schedule.model_copy(update={"iterations": 100_000})}
    )
    run.recipe_file.write_text(dump_recipe(endless), encoding="utf-8")
    process = launching.launch(run, threads=1, processes=2)
    wait_until(lambda: read(run).steps > 0 or not process.alive, 120)
    assert process.alive, last_lines(run.log_file, 20)
    assert len(launching.family(run)) >= 3
    assert launching.attach(run).processes == 2
    start = time.monotonic()
    launching.cancel(run)
    assert time.monotonic() - start < 10
    assert launching.family(run) == []
    # Asked politely first, the ranks may have saved and ended in time.
    assert standing(run, read(run)).state in {"cancelled", "stopped"}


def test_ranks_that_a_killed_launcher_left_are_found(run: RunFolder, script_child: Script, wait_until: Wait) -> None:
    script_child("started", "child=hold", "kill")
    process = launching.launch(run)
    wait_until(lambda: not process.alive)
    assert not launching.is_training(run)
    assert len(launching.family(run)) == 1
    launching.cancel(run)
    assert launching.family(run) == []


def test_a_run_outlives_whoever_started_it(run: RunFolder, wait_until: Wait) -> None:
    child = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(__file__))), "scripted_child.py")
    program = (
        "import sys\nfrom pathlib import Path\nfrom tmnet_core.training import launching\n"
        "from tmnet_core.training.run_folder import RunFolder\n"
        f"launching.train_command = lambda run, **o: [sys.executable, {child!r}, str(run.path), 'started', 'obey']\n"
        f"print(launching.launch(RunFolder(Path({str(run.path)!r}))).pid, flush=True)\nsys.stdin.read()\n"
    )
    window = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert window.stdout is not None
    assert window.stdin is not None
    window.stdout.readline()
    window.kill()
    window.wait()
    window.stdin.close()
    window.stdout.close()
    follower = EventFollower(run.events_file)
    follower.read()
    wait_until(lambda: follower.read())
    assert launching.is_training(run)
    run.ask_to_stop()
    wait_until(lambda: not launching.is_training(run))
    assert standing(run, read(run)).state == "stopped"


@pytest.mark.parametrize(
    ("words", "state", "sentence", "suggestion"),
    [
        (["started", "steps=4", "finished=4"], "finished", "Finished at iteration 4.", ""),
        (
            ["started", "failed=CUDA out of memory."],
            "failed",
            "Failed at iteration 3: CUDA out of memory.",
            "training.batch_size",
        ),
        (
            ["started", "failed=no room on the disk; free some"],
            "failed",
            "Failed at iteration 3: no room on the disk.",
            "Free some.",
        ),
        (["started", "failed=the loss is no longer a number"], "failed", "no longer a number", "learning_rate"),
        (
            ["print=tmnet: recipe x: unknown key 'y'"],
            "failed",
            "Failed before it began: recipe x: unknown key 'y'.",
            "log",
        ),
        (
            ["started", "steps=6", "torn", "crash=DataLoader worker died"],
            "lost",
            "Ended at iteration 6 without a word; its log ends with: RuntimeError: DataLoader worker died",
            "workers",
        ),
        (["started", "steps=2"], "lost", "Ended at iteration 2 without a word.", "log"),
    ],
)
def test_how_it_ended_is_a_sentence(
    script_child: Script,
    ended: Callable[[], Standing],
    words: list[str],
    state: str,
    sentence: str,
    suggestion: str,
) -> None:
    script_child(*words)
    found = ended()
    assert found.state == state
    assert sentence in found.sentence
    assert suggestion in found.suggestion


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
def test_a_kill_is_told_by_its_name(run: RunFolder, script_child: Script, ended: Callable[[], Standing]) -> None:
    script_child("started", "steps=9", "kill")
    found = ended()
    assert found.sentence == "Ended at iteration 9 by signal SIGKILL."
    assert "memory" in found.suggestion
    # Another program cannot know the signal.
    assert standing(run, read(run)).sentence == "Ended at iteration 9 without a word."


def test_a_word_of_an_earlier_process_is_not_taken_for_this_ones(
    script_child: Script, ended: Callable[[], Standing]
) -> None:
    script_child("started", "steps=4", "finished=4")
    assert ended().state == "finished"
    script_child("print=Traceback")
    assert ended().state == "lost"


def test_a_program_that_is_not_there_is_a_sentence(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "train_command", lambda run, **options: ["/no such program"])
    with pytest.raises(TMNetError, match="could not be started: No such file"):
        launching.launch(run)
