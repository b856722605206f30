"""The one resize: of training, evaluation, glances and packed frames alike."""

from __future__ import annotations

import threading
from functools import lru_cache
from math import ceil

import numpy as np
import numpy.typing as npt

from tmnet_core.opencv import cv2
from tmnet_core.scratch import Scratch

Pixels = npt.NDArray[np.uint8]

# Where samples of a grid lie further apart than this many pixels, interpolation would pass pixels over.
_LONGEST_STEP = 1.5


def resize(image: Pixels, width: int, height: int) -> Pixels:
    """Resize H×W×3 uint8 to height×width×3, a copy; averages over pixels when shrinking, so that nothing aliases."""
    rows, columns = image.shape[:2]
    if rows >= 2 * height and columns >= 2 * width:
        return _shrink_on_grids(image, width, height)
    if (rows < height) != (columns < width):
        # Averaging works only where neither side grows, so the one that shrinks goes first.
        image = _resize(image, min(columns, width), min(rows, height), cv2.INTER_AREA)
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    return _resize(image, width, height, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def shrink(frames: Pixels, short_side: int) -> Pixels:
    """Resize N×H×W×3 frames to a short side of at most `short_side` pixels, keeping their aspect ratio."""
    height, width = frames.shape[1:3]
    scale = short_side / min(width, height)
    if scale >= 1.0:
        return frames
    return np.stack([resize(frame, round(width * scale), round(height * scale)) for frame in frames])


def _shrink_on_grids(image: Pixels, width: int, height: int) -> Pixels:
    """Average blocks of whole pixels, then interpolate to a whole multiple of the size, to be averaged in its turn.

    To average over parts of pixels, as one resize to the size itself would, takes OpenCV several times as long.
    """
    rows, columns = _fewest_blocks(image.shape[0], height), _fewest_blocks(image.shape[1], width)
    blocks = _scratch.of(rows, columns, 3)
    cv2.resize(image, (columns, rows), blocks, interpolation=cv2.INTER_AREA)
    finer = [ceil(count / side / _LONGEST_STEP) * side for count, side in ((columns, width), (rows, height))]
    image = _resize(blocks, finer[0], finer[1], cv2.INTER_LINEAR)
    return image if finer == [width, height] else _resize(image, width, height, cv2.INTER_AREA)


class _ThreadScratch(threading.local, Scratch):
    """Each thread has its own."""


_scratch = _ThreadScratch()


@lru_cache(maxsize=64)
def _fewest_blocks(pixels: int, wanted: int) -> int:
    """Return into how many equal blocks of whole pixels a side can be cut, at least `wanted`."""
    return next(count for count in range(wanted, pixels + 1) if pixels % count == 0)


def _resize(image: Pixels, width: int, height: int, interpolation: int) -> Pixels:
    return cv2.resize(image, (width, height), interpolation=interpolation)  # type: ignore[return-value]
