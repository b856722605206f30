"""Every frame or clip of a file, looked at in order, as lines to print or keep."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.config import ClipSection
from tmnet_core.data.preprocessing import Crop
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.live.frames import FloatArray, Frame, Glance
from tmnet_core.live.sources import VideoFileSource


class ClassProbability(BaseModel):
    """One class and its probability."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: str
    probability: float


class GlanceLine(BaseModel):
    """What was seen in one frame, or in one clip.

    Attributes:
        frame: the frame's number, from 0; of a clip that of its key frame.
        frames: the numbers of a clip's frames.
        time: seconds since the start of the video.
        answer: the top class of the branch to believe: RB+CB, or the only branch that the checkpoint serves.
        branches: the top classes by branch, the most probable first.
        milliseconds: time by stage of the live path, for all that were looked at together.
    """

    model_config = ConfigDict(frozen=True)

    frame: int
    frames: list[int] | None = None
    time: float
    answer: ClassProbability
    branches: dict[str, list[ClassProbability]]
    milliseconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class FileLook:
    """How to look at a file.

    Attributes:
        every: look at every n-th frame, or let a clip begin there; 0 for each frame, or clip after clip.
        batch: frames or clips that are looked at together.
        clip: T, to look at clips of that many frames; 0 to look at single frames.
        interval: from one frame of a clip to the next; 0 as in training.
        mirror, crop: as `GlancePredictor.glance` takes them.
    """

    every: int = 0
    batch: int = 1
    clip: int = 0
    interval: int = 0
    mirror: bool = False
    crop: Crop | None = None


def glance_file(
    checkpoint: Path,
    video: Path,
    look: FileLook | None = None,
    *,
    top: int = 3,
    device: str = "auto",
    engine: str = "auto",
) -> Iterator[GlanceLine]:
    """Look at the frames of a video file, or at clips that cover it, none dropped.

    The last clip ends with the video. A video shorter than a clip is spread over it, as in training.

    Raises:
        CheckpointError, SourceError, EngineError: where a file or an engine cannot be used, before the first line.
    """
    # torch comes with it, and the window is there before torch.
    from tmnet_core.live.predictor import GlancePredictor

    look = look or FileLook()
    source = VideoFileSource(video)
    predictor: GlancePredictor | None = None
    try:
        predictor = GlancePredictor.from_file(checkpoint, device, engine, frames=look.clip)
        frames = iter(source.read, None)
        clips = _clips(frames, look, predictor.header) if look.clip else _frames(frames, look.every or 1)
        while together := list(itertools.islice(clips, look.batch)):
            seen = predictor.look_at_clips(together, mirror=look.mirror, crop=look.crop)
            for glance, clip in zip(seen, together, strict=True):
                numbers = [frame.index for frame in clip] if look.clip else None
                yield glance_line(glance, predictor.classes, top, numbers)
    finally:
        if predictor is not None:
            predictor.close()
        source.close()


def _frames(frames: Iterable[Frame], every: int) -> Iterator[list[Frame]]:
    return ([frame] for frame in frames if frame.index % every == 0)


def _clips(frames: Iterable[Frame], look: FileLook, header: CheckpointHeader) -> Iterator[list[Frame]]:
    """Yield clips as soon as they are complete; only as many frames are kept as a clip spans."""
    interval = look.interval or (header.training.clip.interval if header.training else ClipSection().interval)
    span = (look.clip - 1) * interval + 1
    every = look.every or span
    kept: deque[Frame] = deque(maxlen=span)
    count = covered = 0
    for frame in frames:
        kept.append(frame)
        count += 1
        if count >= span and (count - span) % every == 0:
            covered = count
            yield list(kept)[::interval]
    if covered < count:
        indices = ClipSampling("interval", look.clip, interval).indices(len(kept))
        yield [kept[place] for place in indices]


def glance_line(seen: Glance, classes: list[str], top: int, frames: list[int] | None = None) -> GlanceLine:
    """Return what one look says, with its `top` most probable classes; `frames` are the numbers of a clip's."""
    branches = {str(branch): _top(values, classes, top) for branch, values in seen.probabilities.items()}
    return GlanceLine(
        frame=seen.frame.index,
        frames=frames,
        time=round(seen.frame.time, 6),
        answer=branches[str(seen.answer)][0],
        branches=branches,
        milliseconds={stage: round(value, 3) for stage, value in seen.stages.items()},
    )


def _top(probabilities: FloatArray, classes: list[str], top: int) -> list[ClassProbability]:
    best = probabilities.argsort()[::-1][:top]
    return [ClassProbability(name=classes[k], probability=round(float(probabilities[k]), 5)) for k in best]
