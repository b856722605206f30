"""All keys, from the table of actions."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tmnet_app.actions import TABLE, Entry
from tmnet_app.theme import GRID, tabular


class ShortcutsDialog(QDialog):
    """A column for each group of actions that have a key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        columns = QHBoxLayout()
        columns.setSpacing(5 * GRID)
        with_keys = [entry for entry in TABLE if entry.keys]
        for group, entries in groupby(with_keys, key=lambda entry: entry.group):
            columns.addLayout(_column(group, list(entries)))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setToolTip("Close this list")
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(columns)
        layout.addWidget(buttons)


def _column(group: str, entries: list[Entry]) -> QVBoxLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * GRID)
    grid.setVerticalSpacing(GRID)
    for row, entry in enumerate(entries):
        keys = " or ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in entry.keys)
        caption = QLabel(keys)
        caption.setFont(tabular(caption.font(), bold=True))
        grid.addWidget(caption, row, 0)
        grid.addWidget(QLabel(entry.text.rstrip("…")), row, 1)
    heading = QLabel(group)
    heading.setProperty("muted", True)
    column = QVBoxLayout()
    column.setSpacing(GRID)
    column.addWidget(heading)
    column.addLayout(grid)
    column.addStretch(1)
    return column
