"""Several panels in one place: a row of names chooses which is seen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from tmnet_app.theme import GRID


class Panels(QFrame):
    """A card whose heading is a row of buttons; `chosen` carries the name of the panel that a person turned to."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._names = QHBoxLayout()
        self._names.setSpacing(0)
        self._stack = QStackedWidget()
        self._names.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, 12, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(self._names)
        layout.addWidget(self._stack, 1)
        self._group.idClicked.connect(self._turn)

    def add(self, name: str, title: str, tip: str, panel: QWidget) -> None:
        """Add a panel behind those there are; the first one is seen until another is turned to."""
        button = QToolButton()
        button.setText(title)
        button.setAccessibleName(title)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setProperty("tab", True)
        place = len(self.buttons)
        button.setChecked(place == 0)
        self.buttons[name] = button
        self._group.addButton(button, place)
        self._names.insertWidget(place, button)
        self._stack.addWidget(panel)

    @property
    def current(self) -> str:
        """The name of the panel that is seen."""
        return list(self.buttons)[self._stack.currentIndex()]

    def turn_to(self, name: str) -> None:
        """Show a panel; an unknown name, as of an older version, changes nothing."""
        if name in self.buttons:
            self.buttons[name].setChecked(True)
            self._stack.setCurrentIndex(list(self.buttons).index(name))

    def is_seen(self, name: str) -> bool:
        """Tell whether a panel is on the screen."""
        return self.isVisible() and self.current == name

    def _turn(self, place: int) -> None:
        self._stack.setCurrentIndex(place)
        self.chosen.emit(self.current)
