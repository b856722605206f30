"""Sensor noise: tiles drawn once a process, cut out at a place that depends on clip and frame alone."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tmnet_core.opencv import cv2

Image = npt.NDArray[np.uint8]
_SLACK_PX = 61  # how far the cut-out may move
_LEVELS = 4
_LEVEL_STEP = 1.2  # grey levels


@lru_cache(maxsize=8)
def _tiles(level: int, width: int, height: int) -> tuple[Image, Image]:
    """What to add and what to subtract, (height + slack, width + slack, 3)."""
    rng = np.random.default_rng(20200)
    noise = rng.standard_normal((height + _SLACK_PX, width + _SLACK_PX, 3), dtype=np.float32)
    noise = np.rint(noise * (level + 1) * _LEVEL_STEP)
    return np.maximum(noise, 0).astype(np.uint8), np.maximum(-noise, 0).astype(np.uint8)


def add_noise(image: Image, sigma: float, seed: int, frame: int) -> None:
    """Add Gaussian noise of about `sigma` grey levels in place; the same for the same seed and frame."""
    height, width = image.shape[:2]
    level = min(_LEVELS - 1, max(0, round(sigma / _LEVEL_STEP) - 1))
    brighter, darker = _tiles(level, width, height)
    # An integer hash, because building a random generator takes longer than adding the noise.
    key = (seed * 0x9E3779B1 + frame * 0x85EBCA77 + 0x27D4EB2F) & 0xFFFFFFFF
    key = ((key ^ (key >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    key ^= key >> 12
    y, x = key % _SLACK_PX, (key // _SLACK_PX) % _SLACK_PX
    cv2.add(image, brighter[y : y + height, x : x + width], dst=image)
    cv2.subtract(image, darker[y : y + height, x : x + width], dst=image)
