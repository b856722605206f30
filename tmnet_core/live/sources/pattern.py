"""A picture that is made here, and whose frames say which one they are."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.opencv import cv2

BITS = 16
_SPEC = re.compile(r"pattern(?::(\d{1,5})x(\d{1,5}))?(?:@(\d{1,3}(?:\.\d+)?))?(?:#(\d{1,5}))?")
_SMALLEST, _LARGEST = 32, 8192
_HUES = 180  # of OpenCV's 8-bit hue


class PatternSource(FrameSource):
    """Frames that carry their number twice: as figures, and as a bar code that `read_pattern_number` reads.

    The spec is `pattern`, `pattern:320x240`, `pattern:320x240@30` or `pattern:320x240@30#900`: size, frames per
    second, and how many frames. It plays like a file, so that every way of going through frames can be tried on it.
    """

    live = False

    def __init__(self, spec: str = "pattern") -> None:
        parts = _SPEC.fullmatch(spec)
        if parts is None:
            raise SourceError(f"{spec} is no test pattern: write it as pattern:320x240@30#900.")
        self.width, self.height = int(parts[1] or 640), int(parts[2] or 480)
        self.fps = float(parts[3] or 30)
        count = int(parts[4] or 3600)
        if not (_SMALLEST <= self.width <= _LARGEST and _SMALLEST <= self.height <= _LARGEST):
            raise SourceError(f"{spec} is no test pattern: sides are {_SMALLEST} to {_LARGEST} pixels.")
        if not self.fps or not 1 <= count <= 1 << BITS:
            raise SourceError(f"{spec} is no test pattern: it needs a frame rate, and 1 to {1 << BITS} frames.")
        self.title = "Test pattern"
        self.times = [index / self.fps for index in range(count)]
        self._next = 0
        self._figures = max(0.5, self.height / 160)

    def read(self) -> Frame | None:
        """Draw the next frame; None after the last."""
        if self._next >= len(self.times):
            return None
        index = self._next
        self._next += 1
        return Frame(self._draw(index), index, self.times[index], time.perf_counter())

    def seek(self, index: int) -> None:
        """Make this frame the next to be read; IndexError if there is none such."""
        if not 0 <= index < len(self.times):
            raise IndexError(f"The test pattern has {len(self.times)} frames, so none with index {index}.")
        self._next = index

    def close(self) -> None:
        """Nothing is held."""

    def _draw(self, index: int) -> Image:
        image = self.allocate(self.height, self.width)
        hue = np.full((1, 1, 3), (2 * index % _HUES, 160, 150), np.uint8)
        image[: self.height // 2] = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)
        place = (self.width // 16, self.height // 3)
        thickness = max(1, round(2 * self._figures))
        figures = f"{index:05}"
        cv2.putText(image, figures, place, cv2.FONT_HERSHEY_SIMPLEX, self._figures, (255, 255, 255), thickness)
        bits = (index >> np.arange(BITS - 1, -1, -1)) & 1
        bars = np.repeat(bits, np.diff(np.arange(BITS + 1) * self.width // BITS))
        image[self.height // 2 :] = (255 * bars).astype(np.uint8)[None, :, None]
        return image


def read_pattern_number(image: Image) -> int:
    """Return the number that a frame of the test pattern carries, also after lossy compression or scaling."""
    lower = image[image.shape[0] * 5 // 8 : image.shape[0] * 7 // 8].mean(axis=(0, 2))
    edges = np.arange(BITS + 1) * len(lower) // BITS
    bits = [np.median(lower[start:end]) > 127 for start, end in pairwise(edges)]
    return int(sum(1 << (BITS - 1 - place) for place, bit in enumerate(bits) if bit))
