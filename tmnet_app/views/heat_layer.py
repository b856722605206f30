"""A heat map and its contours, in the screen's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import ceil, floor

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from tmnet_core.data.preprocessing import Box, Image
from tmnet_core.live.frames import FloatArray
from tmnet_core.opencv import cv2
from tmnet_core.scratch import Scratch

# A white line on a darker rim shows over every frame and every colour of a map.
_LINE, _RIM = 0.9, 0.6
_SHIFT = 4
# Of the thread that paints: what is made for one view is painted before the next one begins.
_memory = Scratch()


class HeatLayer:
    """Enlarges a map and draws its lines where it is painted, as far as that is in sight.

    Qt would enlarge it in threads of its own, which one waits for while a network has the cores; and to stroke smooth
    lines takes it six times as long as drawing them in white and widening that for the rim.
    """

    def __init__(self) -> None:
        self._heat: Image | None = None
        self._lines: Sequence[FloatArray] = ()

    def show(self, heat: Image | None, lines: Sequence[FloatArray] = ()) -> None:
        """Take h×w×4 premultiplied BGRA, and lines of N×2 points in [0, 1]; None: paint nothing."""
        self._heat, self._lines = heat, lines

    @property
    def empty(self) -> bool:
        """Whether there is nothing to paint."""
        return self._heat is None

    def paint(self, painter: QPainter, box: QRectF, seen: QRectF, ratio: float) -> None:
        """Paint the map into `box`, as far as that lies in `seen`, on a device with `ratio` pixels a unit."""
        heat = self._heat
        if heat is None or not box.intersects(seen):
            return
        height, width = heat.shape[:2]
        part = _covering(box, seen, width, height)
        across, down = ratio * box.width() / width, ratio * box.height() / height
        left, right = (round(ratio * box.left() + across * x) for x in (part.left, part.right))
        top, bottom = (round(ratio * box.top() + down * y) for y in (part.top, part.bottom))
        pixels = _memory.of(max(1, bottom - top), max(1, right - left), 4)
        corner = QPointF(left, top) / ratio
        cv2.resize(heat[part.top : part.bottom, part.left : part.right], pixels.shape[1::-1], pixels)
        painter.drawImage(corner, _picture(pixels, ratio))
        if self._lines:
            offset = np.array([ratio * box.left() - left, ratio * box.top() - top], np.float32)
            scale = np.array([ratio * box.width(), ratio * box.height()], np.float32)
            _draw_lines(pixels, self._lines, offset, scale, ratio)
            painter.drawImage(corner, _picture(pixels, ratio))


def _draw_lines(
    pixels: Image, lines: Sequence[FloatArray], offset: FloatArray, scale: FloatArray, ratio: float
) -> None:
    """Draw lines into premultiplied BGRA, in place of what was there."""
    # OpenCV's whole numbers are the middles of pixels.
    points = np.rint((np.concatenate(lines) * scale + (offset - 0.5)) * (1 << _SHIFT)).astype(np.int32)
    places = [points[begin:end] for begin, end in pairwise(accumulate(map(len, lines), initial=0))]
    line = np.zeros(pixels.shape[:2], np.uint8)
    cv2.polylines(line, places, False, 255, 1, cv2.LINE_AA, _SHIFT)
    reach = 2 * max(1, round(ratio)) + 1
    rim = cv2.dilate(line, np.ones((reach, reach), np.uint8))
    white = cv2.convertScaleAbs(line, alpha=_LINE)
    opaque = cv2.max(white, cv2.convertScaleAbs(rim, alpha=_RIM))
    cv2.merge([white, white, white, opaque], pixels)


def _picture(pixels: Image, ratio: float) -> QImage:
    """Return pixels as Qt's, without a copy; to be painted before they are written again."""
    height, width = pixels.shape[:2]
    picture = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    return picture


def _covering(box: QRectF, seen: QRectF, width: int, height: int) -> Box:
    """Return which of a map's places are enlarged: those in sight, and one more all around to interpolate with."""
    sight = box.intersected(seen)
    across, down = width / box.width(), height / box.height()
    return Box(
        max(0, floor((sight.left() - box.left()) * across) - 1),
        max(0, floor((sight.top() - box.top()) * down) - 1),
        min(width, ceil((sight.right() - box.left()) * across) + 1),
        min(height, ceil((sight.bottom() - box.top()) * down) + 1),
    )
