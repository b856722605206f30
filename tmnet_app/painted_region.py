"""A region that a person paints over a frame. Knows no Qt."""

from __future__ import annotations

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.live.frames import FloatArray
from tmnet_core.opencv import cv2

_HEIGHT = 180
RADIUS = 0.06
_SHIFT = 4


class PaintedRegion:
    """Strokes over a frame of any size, kept at a small one; places are in shares of width and height."""

    def __init__(self) -> None:
        self.mask: Image = np.zeros((_HEIGHT, _HEIGHT * 4 // 3), np.uint8)
        self._last: tuple[float, float] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is painted."""
        return not self.mask.any()

    def fit(self, width: int, height: int) -> None:
        """Take the shape of frames of this size; what was painted over another shape goes."""
        columns = max(1, round(_HEIGHT * width / height))
        if columns != self.mask.shape[1]:
            self.mask = np.zeros((_HEIGHT, columns), np.uint8)

    def stroke(self, x: float, y: float, *, paint: bool, begins: bool, radius: float = RADIUS) -> None:
        """Paint, or take away, from the last place to this one; `radius` in shares of the height."""
        height, width = self.mask.shape
        place = x * width, y * height
        last = place if begins or self._last is None else self._last
        self._last = place
        ends = [tuple(round(value * (1 << _SHIFT)) for value in end) for end in (last, place)]
        thickness = max(1, round(2 * radius * height))
        cv2.line(self.mask, ends[0], ends[1], 1 if paint else 0, thickness, cv2.LINE_8, _SHIFT)

    def clear(self) -> None:
        """Take all of it away."""
        self.mask = np.zeros_like(self.mask)
        self._last = None

    def over(self, width: int, height: int) -> FloatArray:
        """Return the region over a frame of this size, H×W in [0, 1]."""
        return np.asarray(cv2.resize(self.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
