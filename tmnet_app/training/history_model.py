"""All runs as the rows of a table, listed beside the window."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from tmnet_app.training.wording import EN_DASH, percent
from tmnet_core.models.branch import Branch
from tmnet_core.training.run_list import RememberedRuns, RunSummary

_Index = QModelIndex | QPersistentModelIndex
_NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column:
    """One column: its title, what it shows of a run, what it is sorted by, and what that means."""

    title: str
    text: Callable[[RunSummary], str]
    key: Callable[[RunSummary], Any]
    tip: str
    number: bool = False


def _best(branch: Branch) -> Column:
    def value(run: RunSummary) -> float | None:
        return run.best.get(str(branch), {}).get("top1")

    return Column(
        str(branch),
        lambda run: percent(value(run)),
        lambda run: -1.0 if value(run) is None else value(run),
        f"Top-1 of {branch} at the best validation, on single frames",
        number=True,
    )


def _when(run: RunSummary) -> str:
    return EN_DASH if run.changed is None else datetime.fromtimestamp(run.changed).strftime("%Y-%m-%d %H:%M")


COLUMNS = (
    Column("Run", lambda run: run.name, lambda run: run.name.casefold(), "The run's folder"),
    Column("State", lambda run: run.state, lambda run: run.state, "killed: its process is gone without a word"),
    Column(
        "Iteration",
        lambda run: f"{run.iteration} / {run.iterations}",
        lambda run: run.iteration,
        "Optimiser steps done, and how many there are to be",
        number=True,
    ),
    *(_best(branch) for branch in (Branch.FUSED, Branch.RB, Branch.CB)),
    Column("Network", lambda run: run.network, lambda run: run.network, "Variant, backbone, split"),
    Column(
        "Recipe",
        lambda run: " · ".join([run.recipe, *(change.replace("->", "→") for change in run.changes)]),
        lambda run: run.recipe,
        "The nearest shipped recipe, and where this run's differs from it",
    ),
    Column("Data", lambda run: Path(run.data).name, lambda run: run.data.casefold(), "What it is trained on"),
    Column("Last heard of", _when, lambda run: run.changed or 0.0, "Its last event"),
)


class HistoryModel(QAbstractTableModel):
    """The runs of a folder; `refresh` reads them again, in a thread."""

    refreshed = Signal()
    _listed = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self.runs: list[RunSummary] = []
        self._thread: threading.Thread | None = None
        self._again = False
        self._remembered = RememberedRuns()
        self._listed.connect(self._take)

    def refresh(self) -> None:
        """Read the runs again, once more if that is going on already."""
        if self._thread is not None and self._thread.is_alive():
            self._again = True
            return
        self._thread = threading.Thread(target=self._list, name="listing runs")
        self._thread.start()

    def close(self) -> None:
        """Wait for the thread."""
        self._again = False
        if self._thread is not None:
            self._thread.join()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if orientation is Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].tip
            if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[section].number:
                return _NUMBERS
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if not index.isValid():
            return None
        run, column = self.runs[index.row()], COLUMNS[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(run)
            case Qt.ItemDataRole.ToolTipRole:
                return "\n".join([str(run.path), *run.changes, *([run.reason] if run.reason else [])])
            case Qt.ItemDataRole.UserRole:
                return column.key(run)
            case Qt.ItemDataRole.TextAlignmentRole if column.number:
                return _NUMBERS
        return None

    def _list(self) -> None:
        self._listed.emit(self._remembered.look(self.folder))

    def _take(self, runs: Sequence[RunSummary]) -> None:
        if [run.path for run in runs] == [run.path for run in self.runs]:
            # Selection and place stay as they are.
            changed = [row for row, (old, new) in enumerate(zip(self.runs, runs, strict=True)) if old != new]
            self.runs = list(runs)
            for row in changed:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        else:
            self.beginResetModel()
            self.runs = list(runs)
            self.endResetModel()
        self.refreshed.emit()
        if self._again:
            self._again = False
            self.close()
            self.refresh()
