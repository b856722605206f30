"""The scale of a heat map, with the numbers of its ends and of the place that is pointed at."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from tmnet_core.attention.colours import premultiplied
from tmnet_core.attention.shown_maps import NOTHING_WARM, ShownMap

_BAR = (72, 8)
_HEIGHT = 22
_TEXT = QColor("#E8E9EB")
_PLATE = QColor(0, 0, 0, 170)
_TEXT_EVERY = 0.25


class Legend:
    """Paints a bar of the map's own colours; its numbers change at most four times a second while pictures move."""

    def __init__(self) -> None:
        self.bar = QRectF()  # where the colours were painted last
        self._shown: ShownMap | None = None
        self._ends = ("", "")
        self._written = -math.inf

    def show(self, shown: ShownMap, now: float, *, still: bool) -> None:
        """Take the scale of a map."""
        # Words and numbers take turns at once, or old numbers would stand beside new colours.
        turns = self._shown is not None and self._shown.scale.nothing_adds != shown.scale.nothing_adds
        self._shown = shown
        if still or turns or now - self._written >= _TEXT_EVERY:
            self._written = now
            self._ends = shown.scale.ends

    @property
    def ends(self) -> tuple[str, str]:
        """What is written at the cold and the warm end."""
        return self._ends

    def paint(self, painter: QPainter, area: QRectF, value: float | None = None) -> None:
        """Paint it into the lower right corner of a picture; a value that is pointed at gets a mark on the bar."""
        shown = self._shown
        if shown is None:
            return
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        if shown.scale.nothing_adds:
            self._paint_words(painter, area, NOTHING_WARM)
            return
        low, high = (f"CB {self._ends[0]}", f"{self._ends[1]} RB") if shown.difference else self._ends
        room = max(metrics.horizontalAdvance(text) for text in (low, high, "\u221288.8"))
        total = 2 * room + _BAR[0] + 24
        plate = QRectF(area.right() - total - 8, area.bottom() - _HEIGHT - 8, total, _HEIGHT)
        if plate.left() < area.left():
            return
        _paint_plate(painter, plate)
        bar = self.bar = QRectF(round(plate.left() + room + 12), round(plate.center().y() - _BAR[1] / 2), *_BAR)
        _paint_bar(painter, bar, shown)
        painter.setPen(_TEXT)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(plate.adjusted(6, 0, 6 + room - total, 0), middle | Qt.AlignmentFlag.AlignRight, low)
        painter.drawText(plate.adjusted(total - 6 - room, 0, -6, 0), middle | Qt.AlignmentFlag.AlignLeft, high)
        if value is not None and not shown.scale.empty:
            share = (value - shown.scale.low) / (shown.scale.high - shown.scale.low)
            _paint_mark(painter, bar, min(1.0, max(0.0, share)))

    def _paint_words(self, painter: QPainter, area: QRectF, words: str) -> None:
        self.bar = QRectF()
        room = painter.fontMetrics().horizontalAdvance(words) + 16
        plate = QRectF(area.right() - room - 8, area.bottom() - _HEIGHT - 8, room, _HEIGHT)
        if plate.left() >= area.left():
            _paint_plate(painter, plate)
            painter.setPen(_TEXT)
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)


def _paint_plate(painter: QPainter, plate: QRectF) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(plate, 4, 4)


def _paint_bar(painter: QPainter, bar: QRectF, shown: ShownMap) -> None:
    """Paint the colours as they are over a black frame."""
    strip = QImage(premultiplied(shown.colours).data, 256, 1, QImage.Format.Format_ARGB32_Premultiplied)
    painter.fillRect(bar, QColor(0, 0, 0))
    painter.drawImage(bar, strip)


def _paint_mark(painter: QPainter, bar: QRectF, share: float) -> None:
    x = bar.left() + share * bar.width()
    painter.setPen(QPen(_TEXT, 2))
    painter.drawLine(QLineF(x, bar.top() - 4, x, bar.bottom() + 4))
