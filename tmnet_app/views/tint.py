"""A region of a frame in one see-through colour."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from tmnet_core.data.preprocessing import Image


class Tint:
    """An h×w region, 0 or 1, that covers a whole frame at any size."""

    def __init__(self, region: Image, colour: QColor) -> None:
        alpha = colour.alpha()
        table = np.zeros((2, 4), np.uint8)
        table[1] = [c * alpha // 255 for c in (colour.blue(), colour.green(), colour.red())] + [alpha]
        self._pixels = np.ascontiguousarray(table[region])
        height, width = region.shape
        premultiplied = QImage.Format.Format_ARGB32_Premultiplied
        self._image = QImage(self._pixels.data, width, height, 4 * width, premultiplied)

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Paint it over a frame that fills this area."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(area, self._image)
