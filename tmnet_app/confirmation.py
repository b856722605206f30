"""A question before something cannot be taken back."""

from __future__ import annotations

from PySide6.QtWidgets import QMessageBox, QWidget


def confirmed(parent: QWidget, title: str, question: str) -> bool:
    """Ask, and wait for Yes; Cancel is what Return and Escape say."""
    button = QMessageBox.StandardButton
    answer = QMessageBox.question(parent, title, question, button.Yes | button.Cancel, button.Cancel)
    return answer == button.Yes
