"""The answer as one line that a room can read."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from tmnet_app.theme import GRID, tabular


class BigAnswer(QWidget):
    """Paints a text as large as its height allows, smaller only if it would not fit in the width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Answer")
        self._text = ""
        self.recording = QLabel(self)
        self.recording.setProperty("recording", True)
        self.recording.setFont(tabular(self.font(), scale=1.2))
        self.recording.setAccessibleName("Recording")
        self.recording.hide()

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text

    def show_text(self, text: str) -> None:
        """Show another answer."""
        if text != self._text:
            self._text = text
            self.setAccessibleDescription(text)
            self.update()

    def show_recording(self, text: str) -> None:
        """Say in the corner that it is being recorded; nothing with an empty text."""
        self.recording.setText(text)
        self.recording.setVisible(bool(text))
        self._place_recording()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the corner."""
        super().resizeEvent(event)
        self._place_recording()

    def _place_recording(self) -> None:
        self.recording.adjustSize()
        self.recording.move(self.width() - self.recording.width() - 2 * GRID, GRID // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line."""
        painter = QPainter(self)
        painter.setFont(self._fitting_font())
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.end()

    def _fitting_font(self) -> QFont:
        font = tabular(self.font(), bold=True)
        font.setPixelSize(max(12, round(self.height() * 0.6)))
        width = QFontMetricsF(font).horizontalAdvance(self._text)
        if width > self.width() * 0.96:
            font.setPixelSize(max(12, round(font.pixelSize() * self.width() * 0.96 / width)))
        return font
