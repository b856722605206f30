"""What the curves of a graph are, each with its newest value."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.theme import GRID, muted, tabular
from tmnet_app.views.history_graph import Stroke

_SAMPLE = 2 * GRID  # pixels of a curve that stand before its name


class CurveLegend(QWidget):
    """One line: a piece of each curve, its name and a value, in columns that do not move when values do."""

    def __init__(self, name: str, strokes: Mapping[str, Stroke], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFont(tabular(self.font(), scale=0.9))
        self._strokes = strokes
        self._values: dict[str, str] = {}

    @property
    def text(self) -> str:
        """All of it as words."""
        return " · ".join(self._entry(name) for name in self._strokes)

    def write(self, values: Mapping[str, str]) -> None:
        """Put values behind the names; none behind those that are missing."""
        self._values = dict(values)
        self.setAccessibleDescription(self.text)
        self.update()

    def sizeHint(self) -> QSize:
        """One line of text."""
        metrics = QFontMetricsF(self.font())
        widest = max(metrics.horizontalAdvance(self._entry(name)) for name in self._strokes)
        return QSize(round((widest + _SAMPLE + 2 * GRID) * len(self._strokes)), round(metrics.height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pieces and the words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        column = self.width() / len(self._strokes)
        middle = self.height() / 2
        for place, (name, stroke) in enumerate(self._strokes.items()):
            left = place * column
            painter.setPen(QPen(stroke.colour or muted(self.palette()), 1.75, stroke.style))
            painter.drawLine(QLineF(left + 1, middle, left + _SAMPLE, middle))
            room = QRectF(left + _SAMPLE + GRID / 2, 0, column - _SAMPLE - GRID, self.height())
            words = metrics.elidedText(self._entry(name), Qt.TextElideMode.ElideRight, room.width())
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()

    def _entry(self, name: str) -> str:
        return f"{name} {self._values.get(name, '')}".rstrip()
