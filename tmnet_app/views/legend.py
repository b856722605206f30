"""The scale of a heat map, with the numbers of its ends and of the place that is pointed at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPen

from tmnet_core.attention.colours import ColourMap, premultiplied
from tmnet_core.attention.shown_maps import NOTHING_WARM, ShownMap

_BAR = (72, 8)
_HEIGHT = 22
_TEXT = QColor("#E8E9EB")
_PLATE = QColor(0, 0, 0, 170)
_TEXT_EVERY = 0.25


class Legend:
    """Paints a bar of the map's own colours; its numbers change at most four times a second while pictures move.

    It is painted anew where they do, or where the font or the pixels are others; between times its picture is.
    """

    def __init__(self) -> None:
        self.bar = QRectF()  # where the colours were painted last
        self._shown: ShownMap | None = None
        self._picture: _Picture | None = None
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
        nothing = shown.scale.nothing_adds
        low, high = (f"CB {self._ends[0]}", f"{self._ends[1]} RB") if shown.difference else self._ends
        wanted = _Look(
            ("", NOTHING_WARM) if nothing else (low, high),
            None if nothing else shown.colours,
            painter.font(),
            painter.device().devicePixelRatioF(),
        )
        if self._picture is None or self._picture.look != wanted:
            self._picture = _Picture(wanted)
        picture = self._picture
        corner = QPointF(area.right() - picture.width - 8, area.bottom() - _HEIGHT - 8)
        if corner.x() < area.left():
            self.bar = QRectF()
            return
        picture.paint(painter, corner)
        self.bar = picture.bar.translated(corner)
        if value is not None and not shown.scale.empty:
            share = (value - shown.scale.low) / (shown.scale.high - shown.scale.low)
            _paint_mark(painter, self.bar, min(1.0, max(0.0, share)))


def small(font: QFont) -> QFont:
    """Return the font of what is written over a picture, beside the widget's."""
    smaller = QFont(font)
    smaller.setPointSizeF(font.pointSizeF() * 0.85)
    return smaller


@dataclass(frozen=True)
class _Look:
    """What a painted legend depends on; without colours it is words."""

    texts: tuple[str, str]
    colours: ColourMap | None
    font: QFont
    ratio: float


class _Picture:
    """A legend as it was painted once.

    Attributes:
        look: what it depends on.
        width: pixels of the widget.
        bar: where its colours are.
    """

    def __init__(self, look: _Look) -> None:
        self.look = look
        self._font = small(look.font)
        metrics = QFontMetrics(self._font)
        low, high = look.texts
        if look.colours is None:
            self._room, self.width, self.bar = 0, metrics.horizontalAdvance(high) + 16, QRectF()
        else:
            self._room = max(metrics.horizontalAdvance(text) for text in (low, high, "\u221288.8"))
            self.width = 2 * self._room + _BAR[0] + 24
            self.bar = QRectF(self._room + 12, (_HEIGHT - _BAR[1]) / 2, *_BAR)
        self._image = QImage(QSize(self.width, _HEIGHT) * look.ratio, QImage.Format.Format_ARGB32_Premultiplied)
        self._image.setDevicePixelRatio(look.ratio)
        self._image.fill(Qt.GlobalColor.transparent)
        own = QPainter(self._image)
        self._draw(own)
        own.end()

    def paint(self, painter: QPainter, corner: QPointF) -> None:
        """Paint it with its upper left corner there; between two pixels of the screen, where it would blur, anew."""
        if corner * self.look.ratio == (corner * self.look.ratio).toPoint():
            painter.drawImage(corner, self._image)
            return
        painter.save()
        painter.translate(corner)
        self._draw(painter)
        painter.restore()

    def _draw(self, painter: QPainter) -> None:
        low, high = self.look.texts
        painter.setFont(self._font)
        plate = QRectF(0, 0, self.width, _HEIGHT)
        _paint_plate(painter, plate)
        painter.setPen(_TEXT)
        if self.look.colours is None:
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, high)
            return
        middle, beyond = Qt.AlignmentFlag.AlignVCenter, self.width - 6 - self._room
        painter.drawText(plate.adjusted(6, 0, -beyond, 0), middle | Qt.AlignmentFlag.AlignRight, low)
        painter.drawText(plate.adjusted(beyond, 0, -6, 0), middle | Qt.AlignmentFlag.AlignLeft, high)
        _paint_bar(painter, self.bar, self.look.colours)


def _paint_plate(painter: QPainter, plate: QRectF) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PLATE)
    painter.drawRoundedRect(plate, 4, 4)


def _paint_bar(painter: QPainter, bar: QRectF, colours: ColourMap) -> None:
    """Paint the colours as they are over a black frame."""
    strip = QImage(premultiplied(colours).data, 256, 1, QImage.Format.Format_ARGB32_Premultiplied)
    painter.fillRect(bar, QColor(0, 0, 0))
    painter.drawImage(bar, strip)


def _paint_mark(painter: QPainter, bar: QRectF, share: float) -> None:
    x = bar.left() + share * bar.width()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_TEXT, 2))
    painter.drawLine(QLineF(x, bar.top() - 4, x, bar.bottom() + 4))
