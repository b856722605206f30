"""What moves in a frame, once the camera's own motion is taken out.

DIS optical flow on a small grey picture gives a grid of displacements; the affine motion that most of them agree on
is the camera's. The earlier frame is moved along with it, and what differs from the frame now by more than noise, and
by more than edges a quarter of a pixel off, moves by itself. Flow alone would not do: on plain walls it is made up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

from tmnet_core.attention.colours import HEAT_SIDE
from tmnet_core.data.preprocessing import Image, Placement
from tmnet_core.live.frames import FloatArray, Frame
from tmnet_core.opencv import cv2

Grey = npt.NDArray[np.uint8]

_LONG_SIDE = 160
_SHORTEST_SIDE = 32
_GRID_STEP = 4
# Displacements that differ by less than this many pixels of the small picture are one motion.
_SAME_MOTION = 0.25
_NOISES = 3.0
_GREY_LEVELS = 1.0
# Less of the frame than this is noise: "no motion".
_LEAST_AREA = 0.003
# After being moved along with the flow, two frames of one scene correlate by 0.8 and more.
_SAME_SCENE = 0.7
_CUT_GREY_LEVELS = 8.0
# Seconds between the two frames: slow motion needs some time to show, and after too long flow finds nothing.
_SHORTEST_GAP = 0.03
_LONGEST_GAP = 0.5


class MotionState(StrEnum):
    """What is known about motion in a frame."""

    MOVING = "motion"
    STILL = "no motion"
    CUT = "scene cut"
    UNKNOWN = "no frame before"


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What moves in a frame.

    Attributes:
        state: whether anything moves, and whether that can be known.
        region: h×w uint8 over the whole source frame at a small size; 1 where something moves by itself, else 0.
        camera: 2×3 affine that maps a point of this frame to where the camera had it in the earlier one, in pixels of
            `region`.
        seconds: between the two frames; 0 where there was none before.
    """

    state: MotionState
    region: Grey
    camera: npt.NDArray[np.float64]
    seconds: float = 0.0

    @property
    def area(self) -> float:
        """The share of the whole frame that moves."""
        return float(self.region.mean())

    def within(self, placement: Placement) -> FloatArray:
        """Return the moving share of each cell of the network's box, 64×64 in [0, 1], oriented as the source frame.

        A map that `placement.map_to_frame` turned and `enlarge` enlarged lies over it place by place.
        """
        height, width = self.region.shape
        across, down = width / placement.frame_size[0], height / placement.frame_size[1]
        box = placement.box
        left, top = int(box.left * across), int(box.top * down)
        right, bottom = max(left + 1, round(box.right * across)), max(top + 1, round(box.bottom * down))
        part = self.region[top:bottom, left:right].astype(np.float32)
        return np.asarray(cv2.resize(part, (HEAT_SIDE, HEAT_SIDE), interpolation=cv2.INTER_AREA), np.float32)


class MotionFinder:
    """Follows a stream and says what moves in each frame; for use by one thread at a time.

    Frames may be left out. A jump in time, a cut and another picture size start anew by themselves.
    """

    def __init__(self) -> None:
        self._flow = _dense_flow()
        self._before: deque[tuple[float, Grey]] = deque()
        self._last: tuple[Frame, Motion] | None = None

    def update(self, frame: Frame) -> Motion:
        """Return what moves in this frame since about 1/30 s before it; the same frame again gives the same answer."""
        if self._last is not None and self._last[0] is frame:
            return self._last[1]
        grey = small_grey(frame.image)
        before = self._earlier(frame.time, grey)
        if before is None:
            motion = Motion(MotionState.UNKNOWN, np.zeros_like(grey), np.eye(2, 3))
        else:
            motion = _motion(grey, before[1], self._flow, frame.time - before[0])
        if motion.state is MotionState.CUT:
            self._before.clear()
        self._before.append((frame.time, grey))
        self._last = frame, motion
        return motion

    def clear(self) -> None:
        """Start anew: another stream follows."""
        self._before.clear()
        self._last = None

    def copy(self) -> MotionFinder:
        """Return another one for another thread, which goes on from what this one has seen."""
        other = MotionFinder()
        other._before, other._last = self._before.copy(), self._last
        return other

    def _earlier(self, now: float, grey: Grey) -> tuple[float, Grey] | None:
        """Return the newest frame that is old enough, else the oldest, and forget those that are of no use."""
        if self._before and (now <= self._before[-1][0] or self._before[-1][1].shape != grey.shape):
            self._before.clear()
        while self._before and now - self._before[0][0] > _LONGEST_GAP:
            self._before.popleft()
        while len(self._before) > 1 and now - self._before[1][0] >= _SHORTEST_GAP:
            self._before.popleft()
        return self._before[0] if self._before else None


def find_motion(now: Image, before: Image, seconds: float = 0.0) -> Motion:
    """Return what moves between two H×W×3 uint8 RGB frames of one size, `seconds` apart."""
    return _motion(small_grey(now), small_grey(before), _dense_flow(), seconds)


def small_grey(image: Image) -> Grey:
    """Return a frame as the grey picture that motion is looked for in: its long side has 160 pixels."""
    height, width = image.shape[:2]
    scale = _LONG_SIDE / max(height, width)
    size = max(_SHORTEST_SIDE, round(width * scale)), max(_SHORTEST_SIDE, round(height * scale))
    # Shrinking comes first: three channels of a small picture are less work than one of a large.
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    # Soft edges can be moved by fractions of a pixel; hard ones would differ wherever the camera moves.
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (3, 3), 0), np.uint8)


def _dense_flow() -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)


def _motion(now: Grey, before: Grey, dense: cv2.DISOpticalFlow, seconds: float) -> Motion:
    flow = np.asarray(dense.calc(now, before, None))  # type: ignore[call-overload]
    places = _grid(*now.shape)
    grid = flow[_GRID_STEP // 2 :: _GRID_STEP, _GRID_STEP // 2 :: _GRID_STEP]
    nothing = np.zeros_like(now)
    if _is_cut(now, before, places + grid):
        return Motion(MotionState.CUT, nothing, np.eye(2, 3), seconds)
    camera = _camera_motion(places, grid)
    region = _moving_by_itself(now, before, camera)
    if region.mean() < _LEAST_AREA:
        return Motion(MotionState.STILL, nothing, camera, seconds)
    return Motion(MotionState.MOVING, region, camera, seconds)


@cache
def _grid(height: int, width: int) -> FloatArray:
    """The places of the grid as rows×columns×2 of (x, y)."""
    rows, columns = np.mgrid[_GRID_STEP // 2 : height : _GRID_STEP, _GRID_STEP // 2 : width : _GRID_STEP]
    return np.stack([columns, rows], axis=-1).astype(np.float32)


def _is_cut(now: Grey, before: Grey, came_from: FloatArray) -> bool:
    """Whether even along the flow the two do not look alike."""
    moved = cv2.remap(before, came_from, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    seen = now[_GRID_STEP // 2 :: _GRID_STEP, _GRID_STEP // 2 :: _GRID_STEP].astype(np.float32).ravel()
    expected = np.asarray(moved, np.float32).ravel()
    if float(np.abs(seen - expected).mean()) < _CUT_GREY_LEVELS:
        return False
    seen, expected = seen - seen.mean(), expected - expected.mean()
    norm = float(np.linalg.norm(seen) * np.linalg.norm(expected))
    return norm == 0.0 or float(seen @ expected) / norm < _SAME_SCENE


def _camera_motion(places: FloatArray, grid: FloatArray) -> npt.NDArray[np.float64]:
    """The affine motion that most of the grid agrees on; none where nothing agrees."""
    start = places.reshape(-1, 2)
    found, _ = cv2.estimateAffine2D(
        start,
        start + grid.reshape(-1, 2),
        method=cv2.RANSAC,
        ransacReprojThreshold=_SAME_MOTION,
        maxIters=100,
        confidence=0.99,
        refineIters=5,
    )
    return np.eye(2, 3) if found is None else np.asarray(found, np.float64)


def _moving_by_itself(now: Grey, before: Grey, camera: npt.NDArray[np.float64]) -> Grey:
    height, width = now.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # What has just come into the picture was not there to be compared with: there it keeps what it is now.
    moved = cv2.warpAffine(before, camera, (width, height), now.copy(), flags, cv2.BORDER_TRANSPARENT)
    difference = np.asarray(cv2.boxFilter(cv2.absdiff(now, moved), cv2.CV_32F, (3, 3)))
    across = cv2.Scharr(now, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(now, cv2.CV_32F, 0, 1, scale=1 / 32)
    # Grey levels that a shift by one pixel makes here.
    slope = cv2.boxFilter(cv2.magnitude(across, down), cv2.CV_32F, (3, 3))
    noise = float(np.median(difference[::2, ::2]))
    least = np.maximum(np.asarray(slope) * np.float32(_SAME_MOTION), np.float32(_NOISES * noise + _GREY_LEVELS))
    moving = (difference > least).astype(np.uint8)
    # Specks go; gaps inside of plain clothes close; the outline takes in what the exposure blurs.
    moving = cv2.morphologyEx(moving, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.dilate(moving, np.ones((3, 3), np.uint8)), np.uint8)
