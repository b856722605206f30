"""From a folder to a network that looks, with the real child."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QScrollArea

from tmnet_app.main_window import MainWindow
from tmnet_app.training.needs_bar import describe_needs
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.config import Recipe
from tmnet_core.training import launching
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trial_result import TrialResult

Script = Callable[..., None]


def drop(window: TrainingWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(10, 10), Qt.DropAction.CopyAction, data, left, plain))


def note_openings(main: MainWindow) -> list[tuple[str, bool]]:
    """Return a list that grows by each checkpoint that is opened, and whether only for now."""
    opened: list[tuple[str, bool]] = []
    load = main.session.load_checkpoint

    def note(path: str, *, for_now: bool = False) -> None:
        opened.append((path, for_now))
        load(path, for_now=for_now)

    main.session.load_checkpoint = note
    return opened


def test_from_a_dropped_folder_to_a_network_that_looks(
    qtbot, open_window, make_stand_in, runs: Path, coloured_clips: Path, tiny_recipe: Recipe, set_up
) -> None:
    playing = open_window(load_model=lambda path: make_stand_in())
    opened = note_openings(playing)
    window = playing.training.show()
    setup = window.setup
    assert not setup.start.isEnabled()
    set_up(window, tiny_recipe)
    setup.draft.set_value("data.root", "")
    drop(window, coloured_clips)
    qtbot.waitUntil(setup.start.isEnabled, timeout=15_000)
    assert setup.preview.summary.text().startswith("3 classes · 12 clips to learn from · 6 to validate on")
    assert setup.preview._samples.count() == 12

    setup.start.click()
    page = window.run_pages[0]
    watched: list[str] = []
    page.watch_requested.connect(watched.append)
    page.best_found.connect(watched.append)
    qtbot.waitUntil(lambda: page.watch.record.best is not None, timeout=150_000)
    qtbot.waitUntil(page.watch_it.isEnabled)
    page.watch_it.click()
    qtbot.waitUntil(lambda: not page.watch.standing.active, timeout=150_000)
    assert page.watch.standing.sentence == "Finished at iteration 12."
    assert page.figures["iteration"].text() == "12 / 12"
    assert "finished at iteration 12" in page.log.toPlainText()
    assert len(page.samples.cards) == 6
    assert {plot for plot, _ in page.curves._items} == {"loss", "regression", "validation", "rate"}
    # What was best at first was looked with, and whatever came to be better while the run went on.
    assert watched == [str(page.watch.run.best_checkpoint)] * len(watched)
    qtbot.waitUntil(lambda: playing.session.checkpoint == watched[0])
    # The one that is left is to stay, and worth a faster engine.
    assert {path for path, _ in opened} == {watched[0]}
    assert opened[-1][1] is False


def test_what_cannot_be_trained_on_is_told_before_anything_starts(
    qtbot, training: TrainingWindow, tmp_path: Path
) -> None:
    (tmp_path / "leer ü" / "one").mkdir(parents=True)
    drop(training, tmp_path / "leer ü")
    qtbot.waitUntil(training.setup.preview.problems.isVisible, timeout=10_000)
    assert "leer ü" in training.setup.preview.problems.text()
    assert not training.setup.start.isEnabled()
    (tmp_path / "notes.txt").write_text("x")
    drop(training, tmp_path / "notes.txt")
    assert "notes.txt is not a folder" in training.setup.needs.label.text()


def test_a_trial_tells_the_needs(qtbot, training: TrainingWindow, tiny_recipe: Recipe, set_up) -> None:
    setup = training.setup
    set_up(training, tiny_recipe)
    qtbot.waitUntil(setup.try_step.isEnabled, timeout=15_000)
    setup.try_step.click()
    with qtbot.waitSignal(setup.trial.finished, timeout=60_000):
        pass
    assert "GiB of memory on cpu" in setup.needs.label.text()
    setup.recipe.minutes.setValue(1)
    setup.recipe.by_time.click()
    assert setup.draft.value("schedule.iterations") > 12
    # With other values it is not known any more.
    setup.draft.set_value("clip.frames", 3)
    assert not setup.recipe.by_time.isEnabled()
    assert "try a step" in setup.needs.label.text()


def test_another_form_ends_the_trial_and_another_length_is_scaled(
    qtbot, training: TrainingWindow, tiny_recipe: Recipe, set_up
) -> None:
    setup = training.setup
    set_up(training, tiny_recipe)
    qtbot.waitUntil(setup.try_step.isEnabled, timeout=15_000)
    setup.try_step.click()
    setup.draft.set_value("name", "anders")
    assert setup.trial.running
    setup.draft.set_value("clip.frames", 3)
    assert not setup.trial.running
    assert setup.try_step.text() == "Try a step"
    assert "try a step" in setup.needs.label.text()
    setup.try_step.click()
    setup.draft.set_value("schedule.iterations", 1200)
    assert setup.trial.running
    setup.trial.cancel()
    tried = TrialResult(
        device="cpu",
        seconds=36.0,
        seconds_per_step=3.0,
        iterations=12,
        memory_gib=1.0,
        available_gib=8.0,
        fits=True,
    )
    setup.trial.finished.emit(tried)
    assert describe_needs(tried, 100) == setup.needs.label.text()
    # A note stands below what is known.
    setup.copy.click()
    assert (
        setup.needs.label.text()
        == f"{describe_needs(tried, 100)}\nCopied. Paste it into a terminal: it trains the same."
    )


def test_the_verdict_on_other_clips_does_not_hold(
    qtbot, training: TrainingWindow, coloured_clips: Path, tmp_path: Path
) -> None:
    setup = training.setup
    drop(training, coloured_clips)
    qtbot.waitUntil(setup.start.isEnabled, timeout=15_000)
    (tmp_path / "leer ü" / "one").mkdir(parents=True)
    setup.draft.set_value("data.root", str(tmp_path / "leer ü"))
    assert not setup.start.isEnabled()
    assert not setup.try_step.isEnabled()
    # Whatever tab is open, the reason is to be seen.
    setup.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "leer ü" in setup.needs.label.text(), timeout=10_000)
    assert "leer ü" in setup.start.toolTip()
    setup.draft.set_value("data.root", str(coloured_clips))
    assert "leer ü" not in setup.needs.label.text()
    qtbot.waitUntil(setup.start.isEnabled, timeout=15_000)


def test_a_trial_can_be_stopped_and_one_that_cannot_start_is_told(
    qtbot, training: TrainingWindow, tiny_recipe: Recipe, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = training.setup
    set_up(training, tiny_recipe)
    qtbot.waitUntil(setup.try_step.isEnabled, timeout=15_000)
    setup.try_step.click()
    assert setup.try_step.text() == "Stop trying"
    setup.try_step.click()
    assert not setup.trial.running
    monkeypatch.setattr(sys, "executable", "/no such program")
    setup.try_step.click()
    qtbot.waitUntil(lambda: "could not be started" in setup.needs.label.text(), timeout=10_000)
    assert setup.try_step.text() == "Try a step"


def test_a_run_that_fails_says_why(qtbot, training: TrainingWindow, script_child: Script) -> None:
    script_child("started", "split", "print=Traceback …", "failed=CUDA out of memory. Tried to allocate 2 GiB")
    training.start(Recipe(name="zu groß"))
    page = training.run_pages[0]
    with qtbot.waitSignal(page.watch.ended, timeout=60_000):
        pass
    assert page.sentence.full_text == "Failed at iteration 3: CUDA out of memory. Tried to allocate 2 GiB."
    assert "Make “Batch size”, “Frames of a clip, T” or “Picture size” smaller" in page.suggestion.text()
    assert "1 video is left out: Übung/\U0001f93e.mp4: it is empty." in page.suggestion.text()
    assert page.suggestion.isVisible()
    assert page.open_log.isEnabled()
    assert not page.watch_it.isEnabled()
    assert page.resume.isVisible()


def test_a_recipe_is_saved_and_dropped_again(
    qtbot, training: TrainingWindow, coloured_clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = training.setup
    setup.tabs.setCurrentIndex(1)
    drop(training, coloured_clips)
    # What was dropped is shown, whatever was shown before.
    assert setup.tabs.currentIndex() == 0
    setup.draft.set_value("clip.frames", 5)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **o: (str(tmp_path / "mein Rezept ü"), ""))
    setup.save.click()
    saved = tmp_path / "mein Rezept ü.toml"
    assert setup.needs.label.text().endswith(f"Saved to {saved}.")
    setup.draft.set_value("clip.frames", 7)
    drop(training, saved)
    assert setup.draft.value("clip.frames") == 5
    assert setup.draft.value("data.root") == str(coloured_clips)
    (tmp_path / "kaputt.toml").write_text("clip = 3")
    drop(training, tmp_path / "kaputt.toml")
    assert "kaputt.toml" in setup.needs.label.text()
    assert setup.draft.value("clip.frames") == 5


def test_another_recipe_tells_what_it_changed_and_what_stayed(training: TrainingWindow) -> None:
    setup = training.setup
    setup.draft.set_value("clip.frames", 5)
    setup.recipe.base_chosen.emit("paper")
    assert setup.needs.label.text().startswith("paper changed “")
    assert "Kept as you set it: “Frames of a clip, T”; the arrow" in setup.needs.label.text()
    setup.draft.reset("clip.frames")
    setup.recipe.base_chosen.emit("paper")
    assert setup.needs.label.text() == "paper changed nothing."


def test_the_recipe_leaves_as_a_command(qtbot, training: TrainingWindow, coloured_clips: Path) -> None:
    drop(training, coloured_clips)
    training.setup.draft.set_value("clip.frames", 5)
    training.setup.copy.click()
    command = QGuiApplication.clipboard().text()
    assert command.startswith("tmnet train quick --data")
    assert command.endswith("--set clip.frames=5")


@pytest.mark.parametrize(
    ("answer", "closed", "state"),
    [
        ("Go on without the window", True, "running"),
        ("Stop and keep", True, "stopped"),
        ("Cancel the run", True, "cancelled"),
        ("Stay here", False, "running"),
    ],
)
def test_closing_asks_what_becomes_of_a_run(
    qtbot, playing: MainWindow, runs: Path, script_child: Script, answer_question, answer: str, closed: bool, state: str
) -> None:
    script_child("started", "obey")
    window = playing.training.show()
    window.start(Recipe(name="lauf"))
    watch = window.run_pages[0].watch
    qtbot.waitUntil(lambda: watch.record.steps > 0, timeout=15_000)
    # A run without a page goes on all the same.
    window.tabs.tabCloseRequested.emit(window.tabs.currentIndex())
    assert not playing.close()
    # Nothing waits for the answer, and asking again asks nothing new.
    moment = playing.session.moment
    qtbot.waitUntil(lambda: playing.session.moment is not moment)
    assert not playing.close()
    answer_question(answer)
    if closed:
        qtbot.waitUntil(lambda: not playing.isVisible(), timeout=15_000)
    else:
        assert playing.isVisible()
        watch = window.run_pages[0].watch
        watch.cancel()
        qtbot.waitUntil(lambda: not watch.standing.active, timeout=15_000)
    again = TrainingWindow(runs, lambda: None)
    qtbot.addWidget(again)
    page = again.open_run(RunFolder(runs / "lauf"))
    qtbot.waitUntil(lambda: page.watch.standing.state == (state if closed else "cancelled"), timeout=10_000)
    again.shut_down()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals there")
def test_the_window_lives_while_a_stubborn_run_is_ended_and_then_closes(
    qtbot, playing: MainWindow, runs: Path, script_child: Script, answer_question
) -> None:
    script_child("deaf", "started", "hold")
    window = playing.training.show()
    window.start(Recipe(name="lauf"))
    watch = window.run_pages[0].watch
    qtbot.waitUntil(lambda: watch.record.started is not None, timeout=15_000)
    playing.close()
    answer_question("Cancel the run")
    assert watch.ending
    assert playing.status.sentence.startswith("The window closes as soon as")
    # It does not end when it is asked to; until it is killed, seconds later, pictures go on.
    for _ in range(3):
        moment = playing.session.moment
        qtbot.waitUntil(lambda moment=moment: playing.session.moment is not moment)
    assert watch.ending
    # The page of a run that is being ended is closed at once too.
    begun = time.perf_counter()
    window.tabs.tabCloseRequested.emit(window.tabs.currentIndex())
    assert time.perf_counter() - begun < 1
    playing.close()
    qtbot.waitUntil(lambda: not playing.isVisible(), timeout=15_000)
    assert not launching.is_training(RunFolder(runs / "lauf"))


def test_a_run_that_still_goes_on_is_announced(
    window: MainWindow, qtbot, run: RunFolder, script_child: Script, monkeypatch
) -> None:
    monkeypatch.setenv("TMNET_RUNS", str(run.path.parent))
    window.training.announce()
    assert not window.status.sentence
    script_child("started", "hold")
    launching.launch(run)
    window.training.announce()
    assert window.status.sentence == "wave ü is still training; Ctrl+T shows how far."


def test_without_a_run_closing_asks_nothing(playing: MainWindow, runs: Path) -> None:
    playing.training.show()
    assert playing.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_a_run_outlives_a_window_that_was_killed_and_is_found_again(qtbot, runs: Path) -> None:
    child = Path(__file__).parents[2] / "scripted_child.py"
    program = f"""
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication, QFileDialog
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.config import Recipe
from tmnet_core.training import launching
launching.train_command = lambda run, **o: [sys.executable, {str(child)!r}, str(run.path), "started", "obey"]
app = QApplication([])
window = TrainingWindow(Path({str(runs)!r}), lambda: None)
window.show()
window.start(Recipe(name="überlebt"))
app.exec()
"""
    window = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    run = RunFolder(runs / "überlebt")
    qtbot.waitUntil(lambda: run.events_file.exists() and launching.is_training(run), timeout=30_000)
    window.kill()
    window.wait()
    before = run.events_file.stat().st_size
    qtbot.waitUntil(lambda: run.events_file.stat().st_size > before + 1000, timeout=15_000)
    again = TrainingWindow(runs, lambda: None)
    qtbot.addWidget(again)
    again.open_active_runs()
    page = again.run_pages[0]
    qtbot.waitUntil(lambda: page.watch.standing.state == "running" and page.watch.record.steps > 10, timeout=15_000)
    page.stop.click()
    qtbot.waitUntil(lambda: page.watch.standing.state == "stopped", timeout=15_000)
    again.shut_down()


def test_the_best_network_is_followed_until_another_is_opened(
    qtbot, open_window, make_stand_in, runs: Path, script_child: Script, make_video
) -> None:
    script_child("started", "steps=2", "validated=2", "obey")
    main = open_window(load_model=lambda path: make_stand_in())
    main.opener.open_source(str(make_video()))
    window = main.training.show()
    window.start(Recipe(name="lauf"))
    page = window.run_pages[0]
    qtbot.waitUntil(lambda: page.watch.record.best is not None, timeout=15_000)
    run = page.watch.run
    run.best_checkpoint.touch()
    page._show()
    opened = note_openings(main)
    with qtbot.waitSignal(main.session.checkpoint_loaded):
        page.watch_it.click()
    qtbot.waitUntil(lambda: main.session.moment is not None and main.session.moment.glance is not None)
    main.stage.details.bars.pin(1)

    def better() -> None:
        with run.events_file.open("ab") as file:
            file.write(page.watch.record.best.model_dump_json().encode() + b"\n")

    seen = len(main.session.model.seen)
    with qtbot.waitSignal(main.session.checkpoint_loaded, timeout=10_000):
        better()
    # Another network looks now, and nothing on the screen was begun anew.
    assert main.session.checkpoint == str(run.best_checkpoint)
    assert main.stage.details.bars.pinned == 1
    assert seen > 0
    assert opened == [(str(run.best_checkpoint), True)] * 2

    with qtbot.waitSignal(main.session.checkpoint_loaded):
        main.opener.open_checkpoint("another.safetensors")
    assert page.watch_it.text() == "Watch it"
    validations = len(page.watch.record.validations)
    better()
    qtbot.waitUntil(lambda: len(page.watch.record.validations) > validations, timeout=10_000)
    assert not main.session.loading
    page.watch.cancel()
    qtbot.waitUntil(lambda: main.status.sentence.startswith("lauf: cancelled at iteration"), timeout=15_000)


def test_going_on_takes_the_message_of_the_end_back(
    qtbot, playing: MainWindow, runs: Path, script_child: Script
) -> None:
    script_child("hold")
    window = playing.training.show()
    window.start(Recipe(name="lauf"))
    page = window.run_pages[0]
    page.cancel.click()
    assert page.sentence.full_text.startswith("Ending")
    qtbot.waitUntil(lambda: playing.status.sentence == "lauf: cancelled at iteration 0.", timeout=15_000)
    assert page.resume.isVisible()
    page.resume.click()
    assert playing.status.sentence == ""
    page.watch.cancel()
    qtbot.waitUntil(lambda: not page.watch.standing.active, timeout=15_000)


def test_figures_keep_their_place_and_are_dashes_before_the_start(
    qtbot, training: TrainingWindow, script_child: Script
) -> None:
    script_child("hold")
    training.start(Recipe(name="lauf"))
    page = training.run_pages[0]
    qtbot.waitUntil(lambda: page.watch.caught_up)
    assert page.figures["iteration"].text() == "–"
    places = [number.x() for number in page.figures.values()]
    for number in page.figures.values():
        number.setText("100 000 / 100 000")
    page.layout().activate()
    assert [number.x() for number in page.figures.values()] == places
    page.watch.cancel()
    qtbot.waitUntil(lambda: not page.watch.standing.active, timeout=15_000)


def test_the_needs_bar_has_room_for_two_lines(qtbot, training: TrainingWindow) -> None:
    needs = training.setup.needs
    heights = []
    for sentence in ("kurz", "lang " * 50):
        needs.show_problem(sentence)
        QApplication.processEvents()
        heights.append(needs.height())
    assert needs.label.heightForWidth(needs.label.width()) == 2 * needs.label.fontMetrics().lineSpacing()
    assert heights[0] == heights[1]


@pytest.mark.parametrize("size", [(1180, 800), (1280, 800), (1920, 1040)])
def test_the_form_needs_no_scrolling(qtbot, training: TrainingWindow, size: tuple[int, int]) -> None:
    training.resize(*size)
    steps = [area for area in training.setup.findChildren(QScrollArea) if area.isAncestorOf(training.setup.recipe)]
    steps += [area for area in training.setup.findChildren(QScrollArea) if area.isAncestorOf(training.setup.data)]
    assert len(steps) == 2
    qtbot.waitUntil(lambda: all(area.verticalScrollBar().maximum() == 0 for area in steps))
    # Nor is anything cut at the side.
    assert all(area.widget().width() <= area.viewport().width() for area in steps)


def test_without_a_folder_the_preview_says_what_will_be_there(
    qtbot, training: TrainingWindow, coloured_clips: Path
) -> None:
    setup = training.setup
    assert "Choose a folder" in setup.preview.summary.text()
    drop(training, coloured_clips)
    qtbot.waitUntil(setup.start.isEnabled, timeout=15_000)
    setup.data.folder.reset.click()
    assert "Choose a folder" in setup.preview.summary.text()
    assert not setup.preview.problems.isVisible()
    assert not setup.start.isEnabled()
