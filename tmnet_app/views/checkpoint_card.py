"""What the loaded checkpoint is, and what it was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from tmnet_app.theme import GRID

_WIDTH = 480


class CheckpointCard(QScrollArea):
    """Rows of label and value that can be selected and copied; `text` is all that is written on it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("About this checkpoint")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(_WIDTH)
        self.show_rows([])

    def show_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Replace the rows; without any, say that nothing is loaded."""
        self.text = "\n".join(f"{name}: {value}" for name, value in rows)
        page = QWidget()
        if rows:
            _fill(page, rows)
        else:
            QVBoxLayout(page).addWidget(QLabel("No checkpoint is loaded."))
        self.setWidget(page)


def _fill(page: QWidget, rows: Sequence[tuple[str, str]]) -> None:
    form = QFormLayout(page)
    form.setHorizontalSpacing(2 * GRID)
    form.setVerticalSpacing(GRID)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, value in rows:
        caption = QLabel(name)
        caption.setProperty("muted", True)
        content = QLabel(value)
        content.setWordWrap(True)
        content.setAccessibleName(name)
        content.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        form.addRow(caption, content)
