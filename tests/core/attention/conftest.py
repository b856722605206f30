from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tmnet_core.data.preprocessing import Image
from tmnet_core.live.frames import Frame
from tmnet_core.opencv import cv2


@dataclass
class Scene:
    """A patterned wall, a square that moves over it, and one just like it that stays where it is on the wall."""

    frames: list[Frame]
    mover: list[tuple[float, float]]
    decoy: list[tuple[float, float]]
    side: float

    def bump(self, places: list[tuple[float, float]], number: int) -> np.ndarray:
        """A 7×7 map that is warm around a place of the frame, given in its width and height."""
        x, y = places[number]
        rows, columns = (np.mgrid[:7, :7] + 0.5) / 7
        return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 0.02).astype(np.float32)


def make_scene(
    seed: int,
    *,
    camera: tuple[float, float] = (0.0, 0.0),
    step: tuple[float, float] = (3.0, 0.0),
    noise: float = 2.0,
    size: tuple[int, int] = (320, 240),
    frames: int = 5,
    fps: float = 25.0,
) -> Scene:
    rng = np.random.default_rng(seed)
    width, height = size
    side = height // 5
    # Big and small blotches, smooth enough to be followed.
    wall = sum(
        cv2.GaussianBlur(rng.normal(size=(height + 200, width + 200, 3)), (0, 0), s) * s * a
        for s, a in ((3, 45), (12, 60))
    )
    wall = np.clip(128 + wall, 0, 255).astype(np.uint8)
    square = np.clip(cv2.GaussianBlur(rng.normal(size=(side, side, 3)), (0, 0), 2) * 160 + 128, 0, 255).astype(np.uint8)
    # One in the left and one in the right half of the picture, at any height.
    lefts = [rng.uniform(0.08, 0.3) * width, rng.uniform(0.55, 0.7) * width]
    tops = rng.uniform(0.1, 0.65, 2) * height
    if rng.random() < 0.5:
        lefts.reverse()
    pictures, movers, decoys = [], [], []
    for t in range(frames):
        shift = np.array(camera) * t
        world = wall.copy()
        decoy = (lefts[1] + 100, tops[1] + 100)
        mover = (lefts[0] + 100 + step[0] * t, tops[0] + 100 + step[1] * t)
        for x, y in (decoy, mover):
            world[round(y) : round(y) + side, round(x) : round(x) + side] = square
        view: Image = cv2.warpAffine(
            world, np.array([[1, 0, 100 + shift[0]], [0, 1, 100 + shift[1]]]), size, flags=cv2.WARP_INVERSE_MAP | 1
        )
        noisy = np.clip(view + rng.normal(scale=noise, size=view.shape), 0, 255).astype(np.uint8)
        pictures.append(Frame(noisy, t, t / fps, float(t)))
        for places, (x, y) in ((movers, mover), (decoys, decoy)):
            places.append(((x - 100 - shift[0] + side / 2) / width, (y - 100 - shift[1] + side / 2) / height))
    return Scene(pictures, movers, decoys, side / height)


@pytest.fixture(scope="session")
def scene():
    """A function that films a `Scene`."""
    return make_scene
