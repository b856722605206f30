"""A small picture with a line of text, over the seek bar."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_core.data.preprocessing import Image


class PreviewBubble(QFrame):
    """Floats inside its window and never takes the pointer."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.window_over = window
        self.setProperty("card", True)
        self.setAccessibleName("Preview")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.picture = QLabel()
        self.words = QLabel()
        self.words.setFont(tabular(self.words.font(), scale=0.9))
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        layout.setSpacing(2)
        layout.addWidget(self.picture)
        layout.addWidget(self.words)
        self.hide()

    def show_over(self, x: int, bottom: int, image: Image, words: str) -> None:
        """Show an H×W×3 RGB picture centred over x, its lower edge above `bottom`, inside the window."""
        height, width = image.shape[:2]
        shown = QImage(image.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.picture.setPixmap(QPixmap.fromImage(shown))
        self.words.setText(words)
        self.adjustSize()
        room = self.window_over.width() - self.width() - GRID
        self.move(max(GRID, min(room, x - self.width() // 2)), bottom - self.height() - GRID // 2)
        self.show()
        self.raise_()
