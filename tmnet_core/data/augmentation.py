"""Multi-scale crops of training clips (the paper's section IV-E; Wang et al., TSN, ECCV 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tmnet_core.data.preprocessing import Box, Image
from tmnet_core.data.resizing import resize

# In quarters of the room that the crop leaves, (across, down).
_CORNERS_AND_CENTRE = ((0, 0), (4, 0), (0, 4), (4, 4), (2, 2))
_EDGES_AND_QUARTERS = ((0, 2), (4, 2), (2, 4), (2, 0), (1, 1), (3, 1), (1, 3), (3, 3))


@dataclass(frozen=True)
class MultiScaleCrop:
    """Draws TSN's crop: a scale for the width and one for the height, at one of a few fixed places.

    The paper resizes frames to 256×256 before it crops. Two resizes in a row sample the same region as one resize
    of the same region of the source frame does, only more blurred, so the box is drawn on the source frame.

    Attributes:
        scales: of the short side, descending.
        max_distort: how many steps of `scales` width and height may lie apart.
        places: 5 for the corners and the centre, 13 to add the edges' middles and the quarter points.
        squash: scale width and height by the frame's own, as after a resize of the whole frame to a square.
    """

    scales: tuple[float, ...] = (1.0, 0.875, 0.75, 0.66, 0.5)
    max_distort: int = 1
    places: Literal[5, 13] = 5
    squash: bool = False

    def __post_init__(self) -> None:
        if not self.scales or not all(0.0 < scale <= 1.0 for scale in self.scales):
            raise ValueError("crop scales must lie above 0 and at most at 1")
        if self.places not in (5, 13):
            raise ValueError("a multi-scale crop has 5 or 13 places")

    def draw(self, rng: np.random.Generator, width: int, height: int) -> Box:
        """Return a crop of a frame of this size; one serves all frames of a clip."""
        pairs = self._scale_pairs()
        across, down = pairs[rng.integers(len(pairs))]
        short = min(width, height)
        crop_width = max(1, int(across * (width if self.squash else short)))
        crop_height = max(1, int(down * (height if self.squash else short)))
        places = _CORNERS_AND_CENTRE + _EDGES_AND_QUARTERS * (self.places == 13)
        column, row = places[rng.integers(len(places))]
        left, top = (width - crop_width) * column // 4, (height - crop_height) * row // 4
        return Box(left, top, left + crop_width, top + crop_height)

    def _scale_pairs(self) -> list[tuple[float, float]]:
        return [
            (across, down)
            for i, across in enumerate(self.scales)
            for j, down in enumerate(self.scales)
            if abs(i - j) <= self.max_distort
        ]


def crop_and_resize(frames: npt.NDArray[np.uint8], box: Box, size: int) -> Image:
    """Cut one box from all frames of a clip, T×H×W×3 uint8, and return T×size×size×3 uint8."""
    clip = np.empty((len(frames), size, size, 3), dtype=np.uint8)
    for place, frame in zip(clip, frames, strict=True):
        place[:] = resize(frame[box.top : box.bottom, box.left : box.right], size, size)
    return clip
