"""A quiet line under the top bar, the first time the demo plays: what to try next."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from tmnet_app.actions import Actions
from tmnet_app.icons import icon
from tmnet_app.theme import GRID

_STEPS = {
    "open_camera": "Use your camera",
    "open_video": "Open your own video",
    "train": "Train on your clips",
}


class NextSteps(QFrame):
    """Three things to do, each a button that follows an action; gone for good once one is done or the cross pressed."""

    done = Signal()

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What to try next")
        self.words = QLabel("TMNet rendered this video itself. Try next:")
        self.words.setProperty("muted", True)
        self.buttons = {name: _step(actions[name], words) for name, words in _STEPS.items()}
        self.close_button = QToolButton()
        self.close_button.setAccessibleName("Hide what to try next")
        self.close_button.setToolTip("Hide this line; it does not come back")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID + GRID // 2, 0, GRID + GRID // 2, GRID // 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.words)
        for button in self.buttons.values():
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self.close_button)
        self.close_button.clicked.connect(self.done)
        for name in _STEPS:
            actions[name].triggered.connect(self.done)
        self.hide()

    def tint(self, palette: QPalette) -> None:
        """Draw the cross in the colours of a theme."""
        self.close_button.setIcon(icon("close", palette))


def _step(action: QAction, words: str) -> QToolButton:
    button = QToolButton()
    button.setText(words)
    button.setIcon(action.icon())
    button.setAccessibleName(words)
    button.setToolTip(action.toolTip())
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.clicked.connect(action.trigger)
    action.changed.connect(lambda: button.setIcon(action.icon()))
    return button
