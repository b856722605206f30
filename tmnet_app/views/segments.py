"""A few choices in a row, of which one is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget


@dataclass(frozen=True)
class Segment:
    """One choice: its value, its words, what it does, and a picture in place of the words."""

    value: str
    text: str
    tip: str
    icon: QIcon | None = None


class Segments(QWidget):
    """Buttons of which exactly one is down; `chosen` carries its value when a person changes it."""

    chosen = Signal(str)

    def __init__(self, name: str, segments: Sequence[Segment], value: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for segment in segments:
            layout.addWidget(self._button(name, segment))
        layout.addStretch(1)
        self.choose(value)
        self._group.idClicked.connect(lambda place: self.chosen.emit(segments[place].value))

    def choose(self, value: str) -> None:
        """Press the button of a value."""
        self.buttons[value].setChecked(True)

    def _button(self, name: str, segment: Segment) -> QToolButton:
        button = QToolButton()
        button.setText(segment.text)
        button.setAccessibleName(f"{name}: {segment.text}")
        button.setToolTip(segment.tip)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setProperty("segment", True)
        if segment.icon is not None:
            button.setIcon(segment.icon)
            button.setIconSize(QSize(40, 14))
        self._group.addButton(button, len(self.buttons))
        self.buttons[segment.value] = button
        return button
