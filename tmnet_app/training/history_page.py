"""All runs in a table, and what can be done with those that are selected."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFile, QItemSelectionModel, QSortFilterProxyModel, QStandardPaths, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tmnet_app.confirmation import confirmed
from tmnet_app.saving import ask_where_to_save
from tmnet_app.theme import GRID
from tmnet_app.training.history_model import COLUMNS, HistoryModel
from tmnet_core.errors import TMNetError
from tmnet_core.files import replacing
from tmnet_core.training.launching import is_training
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.run_list import RunSummary

_EXPORTS = "Checkpoint (*.safetensors);;ONNX, runs without TMNet (*.onnx)"
_NO_RUNS = "No runs yet. What you train is kept here."
_LOOK_MS = 2000
_NOT_IN_NAMES = '/\\:*?"<>|'
_WIDTHS = {"Run": 150, "State": 80, "RB+CB": 64, "RB": 64, "CB": 64, "Network": 184, "Recipe": 216, "Data": 104}


class HistoryPage(QWidget):
    """The table; what it cannot do itself it asks for with signals."""

    open_requested = Signal(object)  # a RunFolder to show
    resume_requested = Signal(object)  # a RunFolder to go on with
    compare_requested = Signal(object)  # a list of RunFolders
    command_requested = Signal(str, list)  # a title, and arguments for tmnet
    renamed = Signal(object, object)  # the RunFolder that was, and the one that is
    deleted = Signal(object)  # the RunFolder that was
    asked = Signal()  # a person wants something; what was said of the wish before is past
    failed = Signal(str)  # a sentence

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = HistoryModel(folder, self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(Qt.ItemDataRole.UserRole)
        self._look_again = QTimer(self, interval=_LOOK_MS)
        self._look_again.timeout.connect(self.model.refresh)
        self.table = QTableView()
        self.hint = QLabel(_NO_RUNS)
        self._said = ""
        self._buttons: list[tuple[QPushButton, Callable[[list[RunSummary]], bool]]] = []
        self._build()
        self.model.refreshed.connect(self._on_refreshed)
        self.asked.connect(lambda: self._say(""))
        self.model.modelAboutToBeReset.connect(self._remember_selection)
        self.model.modelReset.connect(self._select_again)
        self._selected_before: set[Path] = set()

    def _build(self) -> None:
        table = self.table
        table.setModel(self._sorted)
        table.setAccessibleName("All runs")
        table.setSortingEnabled(True)
        table.sortByColumn(len(COLUMNS) - 1, Qt.SortOrder.DescendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(4 * GRID)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for place, column in enumerate(COLUMNS):
            table.setColumnWidth(place, _WIDTHS.get(column.title, 96))
        table.doubleClicked.connect(lambda: self._each(self.open_requested.emit))
        table.selectionModel().selectionChanged.connect(self._enable)
        self.hint.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self.hint)
        layout.addWidget(table, 1)
        layout.addLayout(self._button_row())
        self._enable()

    def _button_row(self) -> QHBoxLayout:
        def some(runs: list[RunSummary]) -> bool:
            return bool(runs)

        def one(runs: list[RunSummary]) -> bool:
            return len(runs) == 1

        def ended(runs: list[RunSummary]) -> bool:
            return bool(runs) and not any(run.state in {"running", "paused"} for run in runs)

        def unfinished(runs: list[RunSummary]) -> bool:
            return one(runs) and ended(runs) and runs[0].state != "finished"

        def trained(runs: list[RunSummary]) -> bool:
            return one(runs) and RunFolder(runs[0].path).best_checkpoint.exists()

        row = QHBoxLayout()
        for text, tip, slot, allowed in (
            ("Show", "Its curves, samples and log", lambda: self._each(self.open_requested.emit), some),
            ("Compare", "The curves of the selected runs in one picture", self._compare, lambda runs: len(runs) > 1),
            ("Resume", "Go on from what was saved last", self._resume, unfinished),
            ("Evaluate…", "Top-1, top-5 and mAP of its best network, with intervals", self._evaluate, trained),
            ("Export…", "A copy of its best network, or an ONNX file of it", self._export, trained),
            ("Open folder", "The run's recipe, events and checkpoints", self._open_folders, some),
            ("Rename…", "Give the run another name", self._rename, lambda runs: one(runs) and ended(runs)),
            ("Delete…", "Move the run's folder to the trash", self._delete, ended),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(self.asked)
            button.clicked.connect(slot)
            row.addWidget(button)
            self._buttons.append((button, allowed))
            if text in {"Resume", "Export…"}:
                row.addSpacing(2 * GRID)
        row.addStretch(1)
        return row

    def showEvent(self, event: object) -> None:
        """See what becomes of the runs as long as they are looked at."""
        self.model.refresh()
        self._look_again.start()

    def hideEvent(self, event: object) -> None:
        """Look no more."""
        self._look_again.stop()

    def close_threads(self) -> None:
        """End what goes on beside the window."""
        self._look_again.stop()
        self.model.close()

    @property
    def selected(self) -> list[RunSummary]:
        """The selected runs, from top to bottom."""
        rows = sorted(self.table.selectionModel().selectedRows(), key=lambda index: index.row())
        return [self.model.runs[self._sorted.mapToSource(index).row()] for index in rows]

    def select(self, paths: set[Path]) -> None:
        """Select the runs of these folders."""
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        self.table.clearSelection()
        for row, run in enumerate(self.model.runs):
            if run.path in paths:
                index = self._sorted.mapFromSource(self.model.index(row, 0))
                self.table.selectionModel().select(index, flags)

    def button(self, text: str) -> QPushButton:
        """Return the button of this text."""
        return next(button for button, _ in self._buttons if button.text() == text)

    def _remember_selection(self) -> None:
        self._selected_before = {run.path for run in self.selected}

    def _select_again(self) -> None:
        self.select(self._selected_before)

    def _on_refreshed(self) -> None:
        self._show_hint()
        self._enable()

    def _say(self, sentence: str) -> None:
        self._said = sentence
        self._show_hint()

    def _show_hint(self) -> None:
        self.hint.setText(self._said or _NO_RUNS)
        self.hint.setVisible(bool(self._said) or not self.model.runs)

    def _enable(self) -> None:
        runs = self.selected
        for button, allowed in self._buttons:
            button.setEnabled(allowed(runs))

    def _each(self, do: Callable[[RunFolder], object]) -> None:
        for run in self.selected:
            do(RunFolder(run.path))

    def _compare(self) -> None:
        self.compare_requested.emit([RunFolder(run.path) for run in self.selected])

    def _resume(self) -> None:
        self._each(self.resume_requested.emit)

    def _open_folders(self) -> None:
        self._each(lambda run: QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path))))

    def _evaluate(self) -> None:
        run = self.selected[0]
        checkpoint = str(RunFolder(run.path).best_checkpoint)
        self.command_requested.emit(f"Evaluation of {run.name}", ["evaluate", checkpoint, run.data])

    def _export(self) -> None:
        run = self.selected[0]
        found = ask_where_to_save(self, "Export the best network", f"{run.name}.safetensors", _EXPORTS)
        checkpoint = RunFolder(run.path).best_checkpoint
        if found is None:
            return
        path, _ = found
        if path.suffix.lower() == ".onnx":
            self.command_requested.emit(f"Export of {run.name}", ["export", str(checkpoint), "--onnx", str(path)])
            return
        try:
            with replacing(path) as temporary:
                shutil.copyfile(checkpoint, temporary)
        except OSError as error:
            self.failed.emit(f"The network could not be written to {path}: {error.strerror}.")
        else:
            self._say(f"Its best network was copied to {path}.")

    def _rename(self) -> None:
        run = self.selected[0]
        name, done = QInputDialog.getText(self, "Rename the run", "Name", text=run.name)
        if done and name != run.name:
            before = RunFolder(run.path)
            try:
                self.renamed.emit(before, rename_run(before, name))
            except TMNetError as error:
                self.failed.emit(str(error))
            self.model.refresh()

    def _delete(self) -> None:
        runs = self.selected
        names = ", ".join(run.name for run in runs)
        if confirmed(self, "Delete runs", f"Move {names} to the trash, with all checkpoints?"):
            for run in runs:
                self._move_to_trash(RunFolder(run.path))
            self.model.refresh()

    def _move_to_trash(self, run: RunFolder) -> None:
        if is_training(run):
            self.failed.emit(f"{run.path.name} is being trained; stop it first.")
            return
        _make_room_for_the_trash()
        moved = QFile.moveToTrash(str(run.path))
        if not (moved[0] if isinstance(moved, tuple) else moved):
            self.failed.emit(f"{run.path.name} could not be moved to the trash; it is still in {run.path.parent}.")
            return
        self.deleted.emit(run)


def _make_room_for_the_trash() -> None:
    """Make the folder that the trash lies in, which a new account may lack; Qt makes the trash alone."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    with contextlib.suppress(OSError):
        Path(folder).mkdir(parents=True, exist_ok=True)


def rename_run(run: RunFolder, name: str) -> RunFolder:
    """Give a run's folder another name; raises TMNetError where it is trained, or the name is no name or taken."""
    name = name.strip()
    if not name or name in {".", ".."} or any(mark in name for mark in _NOT_IN_NAMES) or len(name) > 80:
        marks = " ".join(_NOT_IN_NAMES)
        raise TMNetError(f"“{name}” cannot be a run's name: it takes 1 to 80 letters, none of them {marks}.")
    if is_training(run):
        raise TMNetError(f"{run.path.name} is being trained; stop it first.")
    target = run.path.with_name(name)
    if target.exists():
        raise TMNetError(f"There is a run called {name} already.")
    try:
        run.path.rename(target)
    except OSError as error:
        raise TMNetError(f"{run.path.name} could not be renamed: {error.strerror}.") from None
    return RunFolder(target)
