"""Every frame of a file, glanced at in order, as lines to print or keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tmnet_core.data.preprocessing import Crop
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.live.sources import VideoFileSource


class ClassProbability(BaseModel):
    """One class and its probability."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: str
    probability: float


class GlanceLine(BaseModel):
    """What was seen in one frame.

    Attributes:
        frame: the frame's number, from 0.
        time: seconds since the start of the video.
        answer: the top class of the branch to believe: RB+CB, or the only branch that the checkpoint serves.
        branches: the top classes by branch, the most probable first.
        milliseconds: time by stage of the live path.
    """

    model_config = ConfigDict(frozen=True)

    frame: int
    time: float
    answer: ClassProbability
    branches: dict[str, list[ClassProbability]]
    milliseconds: dict[str, float]


def glance_file(
    checkpoint: Path,
    video: Path,
    *,
    top: int = 3,
    every: int = 1,
    mirror: bool = False,
    crop: Crop | None = None,
    device: str = "auto",
    engine: str = "auto",
) -> Iterator[GlanceLine]:
    """Look at every n-th frame of a video file, none dropped.

    Raises:
        CheckpointError, SourceError, EngineError: where a file or an engine cannot be used, before the first line.
    """
    source = VideoFileSource(video)
    predictor: GlancePredictor | None = None
    try:
        predictor = GlancePredictor.from_file(checkpoint, device, engine)
        while (frame := source.read()) is not None:
            if frame.index % every == 0:
                seen = predictor.glance(frame, mirror=mirror, crop=crop)
                yield glance_line(seen, predictor.classes, top)
    finally:
        if predictor is not None:
            predictor.close()
        source.close()


def glance_line(seen: Glance, classes: list[str], top: int) -> GlanceLine:
    """Return what one glance says, with its `top` most probable classes."""
    branches = {str(branch): _top(values, classes, top) for branch, values in seen.probabilities.items()}
    return GlanceLine(
        frame=seen.frame.index,
        time=round(seen.frame.time, 6),
        answer=branches[str(seen.answer)][0],
        branches=branches,
        milliseconds={stage: round(value, 3) for stage, value in seen.stages.items()},
    )


def _top(probabilities: FloatArray, classes: list[str], top: int) -> list[ClassProbability]:
    best = probabilities.argsort()[::-1][:top]
    return [ClassProbability(name=classes[k], probability=round(float(probabilities[k]), 5)) for k in best]
