"""The window follows real processes that misbehave."""

import sys
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest

from tmnet_app.training.run_watch import RunWatch
from tmnet_core.training import launching
from tmnet_core.training.run_folder import RunFolder


@pytest.fixture
def follow(qtbot, run: RunFolder, script_child) -> Iterator[Callable[..., RunWatch]]:
    """A function that starts a scripted run and follows it."""
    watches: list[RunWatch] = []

    def start(*words: str) -> RunWatch:
        script_child(*words)
        watches.append(RunWatch(run, launching.launch(run)))
        return watches[-1]

    yield start
    for watch in watches:
        watch.close()


def test_stray_lines_split_letters_and_a_torn_end(qtbot, follow) -> None:
    watch = follow("stray", "started", "split", "stray", "steps=20", "validated=20", "torn")
    qtbot.waitUntil(lambda: watch.standing.state == "lost", timeout=15_000)
    assert watch.record.skipped == {"Übung/\U0001f93e.mp4": "it is empty"}
    assert watch.record.iteration == 20
    assert watch.standing.sentence == "Ended at iteration 20 without a word."


def test_last_words_are_heard(qtbot, follow) -> None:
    watch = follow("started", "steps=4", "validated=4", "finished=4")
    states: list[str] = []
    watch.updated.connect(lambda: states.append(watch.standing.state))
    with qtbot.waitSignal(watch.ended, timeout=15_000):
        pass
    assert watch.standing.sentence == "Finished at iteration 4."
    assert "lost" not in states


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals there")
def test_a_kill_a_crash_and_how_to_go_on(qtbot, follow, script_child) -> None:
    watch = follow("started", "steps=3", "kill")
    qtbot.waitUntil(lambda: watch.standing.state == "failed", timeout=15_000)
    assert watch.standing.sentence == "Ended at iteration 3 by signal SIGKILL."
    script_child("started", "steps=5", "crash=CUDA out of memory")
    watch.resume()
    qtbot.waitUntil(lambda: watch.standing.state == "lost", timeout=15_000)
    assert watch.standing.sentence.endswith("RuntimeError: CUDA out of memory")
    assert "training.batch_size" in watch.standing.suggestion


def test_pause_continue_stop(qtbot, follow) -> None:
    watch = follow("started", "obey")
    qtbot.waitUntil(lambda: watch.standing.state == "running" and watch.record.steps > 0, timeout=15_000)
    watch.pause()
    qtbot.waitUntil(lambda: watch.standing.state == "paused", timeout=5_000)
    watch.go_on()
    qtbot.waitUntil(lambda: watch.standing.state == "running", timeout=5_000)
    watch.stop()
    qtbot.waitUntil(lambda: watch.standing.state == "stopped", timeout=5_000)


def test_a_process_that_never_ends_is_cancelled_beside_the_window(qtbot, follow, run: RunFolder) -> None:
    watch = follow("started", "steps=9", "child=deaf,hold", "deaf", "hold")
    qtbot.waitUntil(lambda: len(launching.family(run)) == 2, timeout=15_000)
    watch.cancel()
    assert watch.ending
    qtbot.waitUntil(lambda: watch.standing.state == "cancelled", timeout=10_000)
    assert launching.family(run) == []


def test_the_end_is_told_only_after_the_cancel(qtbot, follow, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = follow("hold")
    told = launching._tell_cancelled
    may_tell = threading.Event()

    def late(run: RunFolder) -> None:
        may_tell.wait(10)
        told(run)

    monkeypatch.setattr(launching, "_tell_cancelled", late)
    ends: list[str] = []
    watch.ended.connect(lambda: ends.append(watch.standing.sentence))
    assert watch.standing.sentence.startswith("Starting")
    watch.cancel()
    qtbot.waitUntil(lambda: not launching.is_training(watch.run), timeout=10_000)
    watch.look()
    assert watch.standing.active
    assert ends == []
    may_tell.set()
    qtbot.waitUntil(lambda: ends == ["Cancelled at iteration 0."], timeout=10_000)


def test_endless_output_fills_no_memory(qtbot, follow, run: RunFolder) -> None:
    watch = follow("started", "endless")
    qtbot.waitUntil(lambda: run.log_file.exists() and run.log_file.stat().st_size > 5_000_000, timeout=15_000)
    watch.look()
    assert sum(map(len, watch.log)) < 100_000
    watch.cancel()
    qtbot.waitUntil(lambda: watch.standing.state == "cancelled", timeout=10_000)


def test_100_000_events_come_in_bites_between_which_the_window_lives(qtbot, follow) -> None:
    watch = follow("started", "steps=100000", "finished=100000")
    with qtbot.waitSignal(watch.ended, timeout=30_000):
        pass
    bites: list[bool] = []
    again = RunWatch(watch.run)
    again.updated.connect(lambda: bites.append(again.caught_up))
    qtbot.waitUntil(lambda: again.caught_up, timeout=30_000)
    again.close()
    assert again.record.steps == 100_000
    assert again.standing.sentence == "Finished at iteration 100000."
    assert len(bites) > 10


def test_only_a_new_best_is_told(qtbot, follow, run: RunFolder) -> None:
    watch = follow("started", "steps=2", "validated=2", "obey")
    qtbot.waitUntil(lambda: watch.caught_up and len(watch.record.validations) == 1, timeout=15_000)
    found: list[str] = []
    watch.best_found.connect(found.append)
    again = RunWatch(run)
    again.best_found.connect(found.append)
    qtbot.waitUntil(lambda: again.caught_up)
    again.close()
    assert found == []
    with run.events_file.open("ab") as file:
        file.write(watch.record.validations[0].model_dump_json().encode() + b"\n")
    qtbot.waitUntil(lambda: found == [str(run.best_checkpoint)])
    watch.stop()
    qtbot.waitUntil(lambda: not watch.standing.active, timeout=5_000)


def test_twenty_starts_and_stops_leave_no_thread_process_or_handle(qtbot, run: RunFolder, script_child) -> None:
    script_child("started", "obey")
    here = psutil.Process()

    def once() -> None:
        watch = RunWatch(run, launching.launch(run))
        qtbot.waitUntil(lambda: watch.record.started is not None and watch.record.ended is None, timeout=15_000)
        watch.stop()
        with qtbot.waitSignal(watch.ended, timeout=15_000):
            pass
        watch.close()
        watch.deleteLater()

    once()
    handles = here.num_fds() if sys.platform != "win32" else here.num_handles()
    threads = threading.active_count()
    children = set(here.children(recursive=True))
    for _ in range(20):
        once()
    assert threading.active_count() == threads
    assert set(here.children(recursive=True)) <= children
    assert (here.num_fds() if sys.platform != "win32" else here.num_handles()) <= handles
