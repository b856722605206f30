"""Which frames of a video make a clip, and which of them is the key frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tmnet_core.config import ClipSection

SamplingMode = Literal["interval", "even", "segments"]
Segment = Literal["beginning", "middle", "ending"]
Position = Literal["random", "centre"]
FrameIndices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ClipSampling:
    """How T frames are taken from a video.

    * `interval`: T frames at a fixed interval, from a random start in training and centred in evaluation (the
      paper's section IV-E: 16 frames at interval 2).
    * `even`: T frames at equal intervals over the whole video (section IV-B.1); in training the grid is shifted
      at random by up to one interval.
    * `segments`: one frame from each of T equal segments, at random in training and the middle one in
      evaluation (TSN, Wang et al., ECCV 2016).

    A video too short for T frames at its interval gets the largest interval at which they fit. A video of fewer
    than T frames is spread evenly over the T positions: each frame is repeated about equally often, so that the
    temporal average weighs them alike, which repeating only the last frame would not.

    Attributes:
        frames: T.
        interval: frames from one to the next, 1 for neighbours; only of `interval`.
    """

    mode: SamplingMode = "interval"
    frames: int = 16
    interval: int = 2

    def __post_init__(self) -> None:
        if self.mode not in get_args(SamplingMode):
            raise ValueError(f"unknown sampling mode {self.mode!r}")
        if self.frames < 1 or self.interval < 1:
            raise ValueError("frames and interval must be at least 1")

    def is_too_long_for(self, video_frames: int) -> bool:
        """Whether such a clip does not fit into a video: its frames then lie closer together, or are repeated."""
        gap = self.interval if self.mode == "interval" else 1
        return video_frames < (self.frames - 1) * gap + 1

    def __str__(self) -> str:
        return f"{self.frames} frames" + (f" at interval {self.interval}" if self.mode == "interval" else "")

    def indices(self, video_frames: int, rng: np.random.Generator | None = None) -> FrameIndices:
        """Return T ascending indices into a video of `video_frames` frames; without `rng` as in evaluation."""
        if video_frames < 1:
            raise ValueError("a video without frames has no clip")
        if self.mode == "segments":
            offsets = 0.5 if rng is None else rng.random(self.frames)
        elif self.mode == "even" or video_frames < self.frames:
            offsets = 0.5 if rng is None else rng.random()
        else:
            return self._at_interval(video_frames, rng)
        positions = (np.arange(self.frames) + offsets) / self.frames
        return glance_indices(video_frames, positions)

    def _at_interval(self, video_frames: int, rng: np.random.Generator | None) -> FrameIndices:
        gaps = self.frames - 1
        interval = min(self.interval, (video_frames - 1) // gaps) if gaps else 1
        spare = video_frames - 1 - gaps * interval
        start = spare // 2 if rng is None else int(rng.integers(spare + 1))
        return start + interval * np.arange(self.frames, dtype=np.int64)


def clip_sampling(clip: ClipSection) -> ClipSampling:
    """Return how a recipe's clips are taken."""
    return ClipSampling(clip.sampling, clip.frames, clip.interval)


def key_frame_fraction(
    segment: Segment, position: Position = "centre", rng: np.random.Generator | None = None
) -> float:
    """Return where in the clip the key frame lies, in [0, 1).

    `segment` is a third of the clip, `position` the place in it (section IV-B.4 and IV-B.5); `random` needs `rng`.
    """
    within = 0.5
    if position == "random":
        if rng is None:
            raise ValueError("a random position needs a random generator")
        within = float(rng.random())
    return (get_args(Segment).index(segment) + within) / 3


def key_frame_index(fraction: float, positions: int) -> int:
    """Return the key frame's index among T' temporal positions, `min(T'-1, floor(fraction·T'))`."""
    return min(positions - 1, int(fraction * positions))


def glance_indices(video_frames: int, fractions: Sequence[float] | npt.NDArray[np.float64]) -> FrameIndices:
    """Return the frame at each fraction, in [0, 1), of a video's length."""
    indices = np.floor(np.asarray(fractions, dtype=np.float64) * video_frames).astype(np.int64)
    return np.minimum(indices, video_frames - 1)


def spread_fractions(count: int, within: Segment | None = None) -> tuple[float, ...]:
    """Return the middles of `count` equal parts of a video, or of a third of it; 1 gives the middle frame."""
    if within is None:
        return tuple((i + 0.5) / count for i in range(count))
    first = get_args(Segment).index(within)
    return tuple((first + (i + 0.5) / count) / 3 for i in range(count))
