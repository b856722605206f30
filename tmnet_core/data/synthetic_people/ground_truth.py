"""Figure masks and exact motion: what a renderer knows and a data set has to estimate."""

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.figure import PlacedFigure
from tmnet_core.data.synthetic_people.skeleton import Array


def masks_and_motion(
    now: PlacedFigure, later: PlacedFigure, size: tuple[int, int]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Masks (N, H, W) and pixels that each visible point moves from `now` to `later` (N, H, W).

    Both are placed with the same camera. A point keeps its place along its body part, so its displacement is
    interpolated between those of the part's two ends.
    """
    width, height = size
    n = len(now.order)
    labels = np.zeros((n, height, width), np.uint8)
    motion = np.zeros((n, height, width), np.float32)
    for moment in range(n):
        now.draw_parts(labels[moment], moment)
        y, x = np.nonzero(labels[moment])
        part = labels[moment, y, x].astype(np.int64) - 1
        motion[moment, y, x] = _displacement(np.stack([x, y], axis=1), part, now.ends[moment], later.ends[moment])
    return labels > 0, motion


def _displacement(pixels: npt.NDArray[np.int64], part: npt.NDArray[np.int64], now: Array, later: Array) -> Array:
    """(M,) pixels moved by M points of the given parts; ends are (P, 2, 2): part, end, xy."""
    start, end = now[part, 0], now[part, 1]
    axis = end - start
    along = ((pixels - start) * axis).sum(axis=1) / np.maximum((axis**2).sum(axis=1), 1e-3)
    along = np.clip(along, 0, 1)[:, None]
    moved = later[part] - now[part]
    return np.asarray(np.linalg.norm((1 - along) * moved[:, 0] + along * moved[:, 1], axis=1))
