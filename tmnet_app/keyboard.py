"""Keys that a focused control needs for itself, before the window's shortcuts get them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QWidget

_ARROWS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down})


def belongs_to(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Tell whether the focused control uses the key: space presses a button, arrows move a slider.

    Without this, who works by keyboard alone could reach a button but never press it.
    """
    if event.modifiers() != Qt.KeyboardModifier.NoModifier:
        return False
    if isinstance(widget, QAbstractButton):
        return event.key() == Qt.Key.Key_Space
    return isinstance(widget, QAbstractSlider) and event.key() in _ARROWS
