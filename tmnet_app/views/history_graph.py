"""A few curves over the last seconds, or over any other axis, on one scale."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.theme import GRID, line, muted, tabular

SECONDS = 20.0
_ENDS_HEIGHT = 12  # pixels below the curves for what the ends of the level axis are
_GAP = 1.0  # seconds without a point after which a curve is interrupted


@dataclass(frozen=True)
class Stroke:
    """How a curve is drawn; without a colour in that of text that stands back."""

    colour: QColor | None
    style: Qt.PenStyle = Qt.PenStyle.SolidLine


class CurveGraph(QWidget):
    """Paints curves of points (x, y) between fixed limits; a NaN interrupts a curve."""

    def __init__(
        self, name: str, strokes: Mapping[str, Stroke], low: float, high: float, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(6 * GRID)
        self.setFont(tabular(self.font(), scale=0.8))
        self._strokes = strokes
        self._limits = low, high
        self._across = 0.0, 1.0
        self._ends = "", ""
        self._curves: dict[str, Sequence[tuple[float, float]]] = {}

    def sizeHint(self) -> QSize:
        """A wide strip."""
        return QSize(200, 12 * GRID)

    def set_limits(self, low: float, high: float) -> None:
        """Fit the upright axis."""
        self._limits = low, high
        self.update()

    def name_ends(self, left: str, right: str) -> None:
        """Say below the curves what the ends of the level axis are."""
        self._ends = left, right
        self.update()

    def show_curves(
        self, curves: Mapping[str, Sequence[tuple[float, float]]], across: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        """Paint these from now on; `across` are the ends of the level axis."""
        self._curves, self._across = dict(curves), across
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axis, zero line and curves."""
        painter = QPainter(self)
        low, high = self._limits
        metrics = QFontMetricsF(self.font())
        texts = {
            value: f"{value:g}".replace("-", "\u2212") for value in sorted({low, high, 0.0}) if low <= value <= high
        }
        left = max(metrics.horizontalAdvance(text) for text in texts.values()) + GRID
        below = _ENDS_HEIGHT if any(self._ends) else 0
        area = QRectF(left, 6, self.width() - left - 2, self.height() - 12 - below)
        ends = QRectF(area.left(), area.bottom(), area.width(), _ENDS_HEIGHT + 4)
        painter.setPen(muted(self.palette()))
        painter.drawText(ends, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, self._ends[0])
        painter.drawText(ends, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, self._ends[1])
        for value, text in texts.items():
            y = self._place(area, 0.0, value).y()
            painter.setPen(QPen(line(self.palette()), 1))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(muted(self.palette()))
            place = QRectF(0, y - 8, left - GRID / 2, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(area.adjusted(0, -2, 0, 2))
        for name, curve in self._curves.items():
            stroke = self._strokes[name]
            painter.setPen(QPen(stroke.colour or muted(self.palette()), 1.75, stroke.style))
            for part in _parts(curve):
                painter.drawPolyline(QPolygonF([self._place(area, x, y) for x, y in part]))
        painter.end()

    def _place(self, area: QRectF, x: float, y: float) -> QPointF:
        (low, high), (begin, end) = self._limits, self._across
        across = (x - begin) / (end - begin) if end > begin else 0.0
        up = (min(high, max(low, y)) - low) / (high - low)
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())


class HistoryGraph(CurveGraph):
    """Curves over the last 20 seconds."""

    def __init__(
        self, name: str, strokes: Mapping[str, Stroke], low: float, high: float, parent: QWidget | None = None
    ) -> None:
        super().__init__(name, strokes, low, high, parent)
        self._history: deque[tuple[float, Mapping[str, float]]] = deque()
        self.name_ends(f"\u2212{SECONDS:g} s", "now")

    def add(self, now: float, values: Mapping[str, float]) -> None:
        """Add a point to the curves, `now` in seconds of a monotonic clock; NaN for what does not apply."""
        if self._history and now - self._history[-1][0] > _GAP:
            self._history.append((now, {}))
        self._history.append((now, values))
        while self._history[0][0] < now - SECONDS:
            self._history.popleft()
        curves = {
            name: [(time - now, past.get(name, math.nan)) for time, past in self._history] for name in self._strokes
        }
        self.show_curves(curves, (-SECONDS, 0.0))

    @property
    def greatest(self) -> float:
        """The greatest value there is, 0 without any."""
        values = [value for _, past in self._history for value in past.values() if math.isfinite(value)]
        return max(values, default=0.0)

    def clear(self) -> None:
        """Forget the past."""
        self._history.clear()
        self.show_curves({}, (-SECONDS, 0.0))


def _parts(curve: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Split a curve where a value is missing."""
    parts: list[list[tuple[float, float]]] = [[]]
    for x, y in curve:
        if math.isfinite(y):
            parts[-1].append((x, y))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if len(part) > 1]
