"""The row above the pictures: what to open, which network, and everything else in one menu."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from tmnet_app.actions import Actions
from tmnet_app.icons import SIZE, icon
from tmnet_app.theme import GRID

_NARROW = 800


class TopBar(QWidget):
    """Buttons whose menus the window fills."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open = _menu_button("open", "Open", "Open a video or a checkpoint, or one of the last ones")
        self.camera = _menu_button("camera", "Camera", "Look through a camera")
        self.model = _menu_button("model", "No network", "The network that looks: about it, or another one")
        self.menu = _menu_button("menu", "Menu", "Everything there is to do")
        self.menu.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.train = _plain_button()
        actions["train"].setIconText("Train…")
        self.train.setDefaultAction(actions["train"])
        self.train.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.presentation = _plain_button()
        self.presentation.setDefaultAction(actions["presentation"])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID // 2)
        for button in (self.open, self.camera, self.model):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self.train)
        layout.addWidget(self.presentation)
        layout.addWidget(self.menu)

    def tint(self, palette: QPalette) -> None:
        """Draw the icons in the colours of a theme."""
        for button in (self.open, self.camera, self.model, self.menu):
            button.setIcon(icon(button.objectName(), palette))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the network's name its room where there is little."""
        super().resizeEvent(event)
        narrow = self.width() < _NARROW
        style = Qt.ToolButtonStyle
        self.train.setToolButtonStyle(style.ToolButtonIconOnly if narrow else style.ToolButtonTextBesideIcon)

    def show_model(self, title: str) -> None:
        """Say which network looks."""
        self.model.setText(title)


def _menu_button(name: str, text: str, tip: str) -> QToolButton:
    button = _plain_button()
    button.setObjectName(name)
    button.setText(text)
    button.setAccessibleName(text)
    button.setToolTip(tip)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setMenu(QMenu(button))
    return button


def _plain_button() -> QToolButton:
    button = QToolButton()
    button.setAutoRaise(True)
    button.setIconSize(QSize(SIZE, SIZE))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
