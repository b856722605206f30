import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QFile, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog

from tmnet_app.training.command_dialog import CommandDialog
from tmnet_app.training.compare_page import ComparePage
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.config import Recipe
from tmnet_core.training.events import Ended, EventLog, Started, Stepped, Validated
from tmnet_core.training.run_folder import RunFolder

Script = Callable[..., None]


def make_run(runs: Path, name: str, top1: float, outcome: str = "finished") -> RunFolder:
    run = RunFolder.create(runs, Recipe.model_validate({"name": name, "clip": {"frames": 8}}))
    started = Started(
        iteration=0, iterations=5, device="CPU", classes=2, clips=4, validation_clips=2, weights="none", time=1.0
    )
    step = Stepped(
        iteration=5,
        epoch=0,
        loss=1.0,
        classification_loss=0.5,
        regression_loss=0.5,
        learning_rate=0.1,
        clips_per_second=2.0,
        time=2.0,
    )
    metrics = {branch: {"top1": top1, "top5": 1.0, "map": 1.0} for branch in ("RB", "CB", "RB+CB")}
    with EventLog(run.events_file) as log:
        for event in (started, step, Validated(iteration=5, metrics=metrics, best=True, time=3.0)):
            log.write(event)
        log.write(Ended(iteration=5, outcome=outcome, time=top1))
    run.best_checkpoint.write_bytes(b"a network")
    return run


@pytest.fixture
def history(qtbot, training: TrainingWindow, runs: Path) -> TrainingWindow:
    """The table with three runs."""
    for name, top1, outcome in (
        ("erster", 0.5, "finished"),
        ("zweiter", 0.75, "stopped"),
        ("dritter", 0.25, "finished"),
    ):
        make_run(runs, name, top1, outcome)
    training.tabs.setCurrentWidget(training.history)
    qtbot.waitUntil(lambda: len(training.history.model.runs) == 3, timeout=10_000)
    return training


def select(window: TrainingWindow, *names: str) -> None:
    window.history.select({window.runs / name for name in names})


def texts(window: TrainingWindow, column: str) -> list[str]:
    model = window.history.table.model()
    titles = [model.headerData(place, Qt.Orientation.Horizontal) for place in range(model.columnCount())]
    return [model.index(row, titles.index(column)).data() for row in range(model.rowCount())]


def test_all_runs_with_best_figures_and_what_is_special(history: TrainingWindow) -> None:
    assert sorted(zip(texts(history, "Run"), texts(history, "RB+CB"), texts(history, "State"), strict=True)) == [
        ("dritter", "25.0 %", "finished"),
        ("erster", "50.0 %", "finished"),
        ("zweiter", "75.0 %", "stopped"),
    ]
    assert all("clip.frames" in text for text in texts(history, "Recipe"))


def test_the_table_keeps_up_while_it_is_looked_at(history: TrainingWindow, qtbot, runs: Path) -> None:
    select(history, "dritter")
    step = {"epoch": 0, "loss": 1.0, "classification_loss": 0.5, "regression_loss": 0.5, "learning_rate": 0.1}
    with EventLog(RunFolder(runs / "erster").events_file) as log:
        log.write(Stepped(iteration=77, clips_per_second=2.0, **step))
    make_run(runs, "vierter", 0.5)
    qtbot.waitUntil(
        lambda: "77 / 5" in texts(history, "Iteration") and "vierter" in texts(history, "Run"), timeout=15_000
    )
    assert [run.name for run in history.history.selected] == ["dritter"]
    assert history.history._look_again.isActive()
    history.tabs.setCurrentWidget(history.setup)
    assert not history.history._look_again.isActive()


def test_what_can_be_done_depends_on_what_is_selected(history: TrainingWindow) -> None:
    def enabled() -> set[str]:
        return {button.text() for button, _ in history.history._buttons if button.isEnabled()}

    assert enabled() == set()
    select(history, "erster")
    assert enabled() == {"Show", "Evaluate…", "Export…", "Open folder", "Rename…", "Delete…"}
    select(history, "zweiter")
    assert "Resume" in enabled()
    select(history, "erster", "dritter")
    assert enabled() == {"Show", "Compare", "Open folder", "Delete…"}


def test_several_runs_are_compared(history: TrainingWindow, qtbot) -> None:
    select(history, "erster", "zweiter")
    history.history.button("Compare").click()
    page = history.tabs.currentWidget()
    assert isinstance(page, ComparePage)
    qtbot.waitUntil(lambda: {name for _, name in page.curves._items} == {"erster", "zweiter"})
    history.tabs.tabCloseRequested.emit(history.tabs.currentIndex())
    assert history.tabs.count() == 2


def test_rename(history: TrainingWindow, qtbot, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    select(history, "erster")
    for name, sentence in (("a/b", "cannot be a run's name"), ("zweiter", "There is a run called zweiter already.")):
        monkeypatch.setattr(QInputDialog, "getText", lambda *a, name=name, **o: (name, True))
        history.history.button("Rename…").click()
        assert sentence in history.message.label.full_text
    assert history.message.isVisible()
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **o: ("neuer Name ü", True))
    history.history.button("Rename…").click()
    qtbot.waitUntil(lambda: "neuer Name ü" in texts(history, "Run"))
    # What was wrong before is past.
    assert not history.message.isVisible()
    assert RunFolder.open(runs / "neuer Name ü").best_checkpoint.exists()


def test_a_shown_run_keeps_its_page_when_it_is_renamed(
    qtbot, open_window, make_stand_in, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(runs, "erster", 0.5)
    run.log_file.write_text("what it said", encoding="utf-8")
    main = open_window(load_model=lambda path: make_stand_in())
    window = main.training.show()
    page = window.open_run(run)
    qtbot.waitUntil(lambda: page.watch.caught_up and page.watch_it.isEnabled())
    with qtbot.waitSignal(main.session.checkpoint_loaded):
        page.watch_it.click()
    window.tabs.setCurrentWidget(window.history)
    qtbot.waitUntil(lambda: len(window.history.model.runs) == 1, timeout=10_000)
    select(window, "erster")
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **o: ("neu ü", True))
    with qtbot.waitSignal(main.session.checkpoint_loaded):
        window.history.button("Rename…").click()
    now = RunFolder(runs / "neu ü")
    assert main.session.checkpoint == str(now.best_checkpoint)
    assert page.follow_best
    assert window.tabs.tabText(window.tabs.indexOf(page)) == page.title.text() == "neu ü"
    page.watch.look()
    assert page.watch.log == ["what it said"]
    assert page.watch.record.steps == 1
    assert page.watch_it.isEnabled()
    assert page.open_log.isEnabled()
    assert window.open_run(now) is page


def test_delete_asks_and_moves_to_the_trash(
    history: TrainingWindow, qtbot, runs: Path, tmp_path: Path, answer_question, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = tmp_path / "trash"
    trash.mkdir()
    # The person's own trash is left alone.
    monkeypatch.setattr(QFile, "moveToTrash", lambda path: (bool(shutil.move(path, trash)), str(trash)))
    history.open_run(RunFolder(runs / "erster"))
    history.tabs.setCurrentWidget(history.history)
    select(history, "erster", "zweiter")
    QTimer.singleShot(0, lambda: answer_question("Cancel"))
    history.history.button("Delete…").click()
    assert (runs / "erster").exists()
    QTimer.singleShot(0, lambda: answer_question("&Yes"))
    history.history.button("Delete…").click()
    qtbot.waitUntil(lambda: texts(history, "Run") == ["dritter"])
    assert {path.name for path in trash.iterdir()} == {"erster", "zweiter"}
    assert history.run_pages == []
    monkeypatch.setattr(QFile, "moveToTrash", lambda path: (False, ""))
    select(history, "dritter")
    QTimer.singleShot(0, lambda: answer_question("&Yes"))
    history.history.button("Delete…").click()
    assert "could not be moved to the trash" in history.message.label.full_text
    assert (runs / "dritter").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it would be the person's own trash")
def test_the_trash_is_there_for_a_new_account_too(
    history: TrainingWindow, qtbot, runs: Path, tmp_path: Path, answer_question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new" / "share"))
    select(history, "erster")
    QTimer.singleShot(0, lambda: answer_question("&Yes"))
    history.history.button("Delete…").click()
    assert not (runs / "erster").exists()
    assert (tmp_path / "new" / "share" / "Trash" / "files" / "erster" / "events.jsonl").exists()


def test_resume_goes_on_and_a_run_that_is_trained_is_left_alone(
    history: TrainingWindow, qtbot, script_child: Script
) -> None:
    script_child("started", "obey")
    select(history, "zweiter")
    history.history.button("Resume").click()
    page = history.run_pages[0]
    qtbot.waitUntil(lambda: page.watch.standing.state == "running", timeout=15_000)
    history.tabs.setCurrentWidget(history.history)
    qtbot.waitUntil(lambda: "running" in texts(history, "State"), timeout=10_000)
    select(history, "zweiter")
    for text in ("Resume", "Rename…", "Delete…"):
        assert not history.history.button(text).isEnabled()
    page.watch.stop()
    qtbot.waitUntil(lambda: texts(history, "State").count("running") == 0, timeout=15_000)


def test_export_copies_the_best_network(
    history: TrainingWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, kind in (("für dich.safetensors", ""), ("ohne Endung", "Checkpoint (*.safetensors)")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, n=name, k=kind, **o: (str(tmp_path / n), k))
        select(history, "erster")
        history.history.button("Export…").click()
        target = (tmp_path / name).with_suffix(".safetensors")
        assert target.read_bytes() == b"a network"
        assert history.history.hint.text() == f"Its best network was copied to {target}."
    # As ONNX it takes a while, and is done beside the window.
    asked: list[list[str]] = []
    history.history.command_requested.disconnect()
    history.history.command_requested.connect(lambda title, arguments: asked.append(arguments))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **o: (str(tmp_path / "netz"), "ONNX (*.onnx)"))
    history.history.button("Export…").click()
    assert asked[0][-2:] == ["--onnx", str(tmp_path / "netz.onnx")]
    assert not history.history.hint.isVisible()


def test_evaluate_asks_for_the_command(history: TrainingWindow) -> None:
    asked: list[tuple[str, list[str]]] = []
    history.history.command_requested.disconnect()
    history.history.command_requested.connect(lambda title, arguments: asked.append((title, arguments)))
    select(history, "erster")
    history.history.button("Evaluate…").click()
    checkpoint = str(RunFolder(history.runs / "erster").best_checkpoint)
    assert asked == [("Evaluation of erster", ["evaluate", checkpoint, ""])]


def test_a_command_s_output_is_shown_and_its_failure_told(history: TrainingWindow, qtbot) -> None:
    for arguments, state, output in ((["recipes"], "Done.", "quick"), (["recipes", "ü"], "could not", "recipe ü")):
        dialog = CommandDialog("Rezepte", arguments, history)
        dialog.show()
        qtbot.waitUntil(lambda dialog=dialog, state=state: state in dialog.state.text(), timeout=60_000)
        assert output in dialog.output.toPlainText()
        dialog.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_what_a_command_says_may_come_in_pieces_of_letters(
    history: TrainingWindow, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "says"
    program.write_text(
        f"#!{sys.executable}\nimport sys, time\nfor piece in (b'gr\\xc3', b'\\xbc\\xc3', b'\\x9fe\\r\\nfertig\\n'):\n"
        "    sys.stdout.buffer.write(piece)\n    sys.stdout.flush()\n    time.sleep(0.2)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    dialog = CommandDialog("Grüße", [], history)
    qtbot.waitUntil(lambda: dialog.state.text() == "Done.", timeout=15_000)
    assert dialog.output.toPlainText() == "grüße\nfertig\n"
    dialog.close()


def test_closing_ends_a_command_too(history: TrainingWindow, qtbot) -> None:
    history.history.command_requested.emit("Auswertung", ["evaluate", "nothing", "nothing"])
    history.findChild(CommandDialog).reject()
