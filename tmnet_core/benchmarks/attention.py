"""What looking into attention costs: motion, agreement, a clip from memory, and rendering a video."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import torch

from tmnet_core import __version__
from tmnet_core.assets import asset
from tmnet_core.attention.agreement import AgreementMeter, OtherRegions, centre_prior
from tmnet_core.attention.classes import class_maps, shown_classes
from tmnet_core.attention.clip_memory import ClipMemory
from tmnet_core.attention.motion import MotionFinder
from tmnet_core.attention.recording import MovieWriter
from tmnet_core.attention.render import Annotator, RenderOptions, glance_at, read_frames, render_source
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.checkpoint import CheckpointHeader, Provenance, save_checkpoint
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.data.synthetic_people.dataset import write_video
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.live.sources import VideoFileSource
from tmnet_core.models.variants import build_model
from tmnet_core.opencv import cv2

FRAMES = 40
_CLASSES = 101
_SIZE = (320, 240)
_FPS = 25.0
_MOST_ROUNDS = 9
DIS = "DIS optical flow"
MOTION = "motion of a 320×240 frame"
AGREEMENT = "motion and agreement of both maps"
MEMORY = "a clip of 8 frames from memory"
GLANCE = "one glance"
DECODE, MODEL, ENCODE, RENDER = "decode", "model", "encode", "render"


def measure(conditions: Conditions) -> list[Figure]:
    """Return motion beside DIS alone, agreement and a clip beside a glance, and rendering beside its slowest stage."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint = _untrained(conditions, folder)
        with (
            closing(VideoFileSource(asset("demo/synthetic-people.mp4"))) as source,
            closing(GlancePredictor.from_file(checkpoint, conditions.device, "torch")) as predictor,
        ):
            frames = list(islice(read_frames(source), FRAMES))
            glances = list(glance_at(predictor, frames, RenderOptions()))
            parts = conditions.time(_parts(predictor, frames, glances))
            video = folder / "film.mp4"
            write_video(video, (frame.image for frame in frames), _FPS, _SIZE)
            rendering = replace(conditions, rounds=min(conditions.rounds, _MOST_ROUNDS))
            rendered = rendering.time(_stages(checkpoint, video, predictor, glances, folder))
    return [
        ratio_figure(parts, MOTION, DIS, "<= 2"),
        ratio_figure(parts, AGREEMENT, GLANCE),
        ratio_figure(parts, MEMORY, GLANCE),
        _rendering_figure(rendered),
    ]


def _parts(
    predictor: GlancePredictor, frames: Sequence[Frame], glances: Sequence[Glance]
) -> dict[str, Callable[[], object]]:
    """What is done for every frame of the live view, each with the next frame at every call."""
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    grey = [np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames]
    pairs = cycle(zip(grey[1:], grey, strict=False))
    moving, agreeing = MotionFinder(), MotionFinder()
    meter = AgreementMeter(OtherRegions(0.2 * centre_prior(), 9, ""))
    memory = ClipMemory()
    films = [_film(glances) for _ in range(3)]
    looked_at = cycle(frames)

    def flow() -> None:
        now, before = next(pairs)
        dense.calc(now, before, None)  # type: ignore[call-overload]

    def agreement() -> None:
        glance = next(films[1])
        maps = class_maps(glance, shown_classes(glance.probabilities))
        meter.measure(agreeing.update(glance.frame), maps, glance.placement, glance.frame.time)

    return {
        DIS: flow,
        MOTION: lambda: moving.update(next(films[0]).frame),
        AGREEMENT: agreement,
        MEMORY: lambda: memory.add(next(films[2])),
        GLANCE: lambda: predictor.glance(next(looked_at)),
    }


def _film(glances: Sequence[Glance]) -> Iterator[Glance]:
    """The glances again and again, as at a film that goes on."""
    for number in count():
        glance = glances[number % len(glances)]
        yield replace(glance, frame=replace(glance.frame, index=number, time=number / _FPS))


def _stages(
    checkpoint: Path, video: Path, predictor: GlancePredictor, glances: Sequence[Glance], folder: Path
) -> dict[str, Callable[[], object]]:
    """The stages of a rendering, each alone on all frames of the video, and the rendering."""
    options = RenderOptions()
    with closing(VideoFileSource(video)) as opened:
        annotator = Annotator(predictor, options, checkpoint, opened)
    pictures = [annotator.annotate(glance)[0] for glance in glances]
    frames = [glance.frame for glance in glances]

    def decode() -> None:
        with closing(VideoFileSource(video)) as source:
            _exhaust(read_frames(source))

    def render() -> None:
        with closing(VideoFileSource(video)) as source:
            fresh = Annotator(predictor, options, checkpoint, source)
            render_source(fresh, predictor, source, folder / "rendered.mp4")

    return {
        DECODE: decode,
        MODEL: lambda: _exhaust(glance_at(predictor, frames, options)),
        ENCODE: lambda: _encode(pictures, folder / "encoded.mp4"),
        RENDER: render,
    }


def _encode(pictures: Sequence[Image], path: Path) -> None:
    height, width = pictures[0].shape[:2]
    with MovieWriter(path, (width, height), _FPS) as writer:
        for picture in pictures:
            writer.write(picture)
        writer.finish()


def _exhaust(items: Iterator[object]) -> None:
    deque(items, maxlen=0)


def _rendering_figure(timings: Timings) -> Figure:
    stages = {name: timings.seconds[name] for name in (DECODE, MODEL, ENCODE)}
    slowest = [max(values) for values in zip(*stages.values(), strict=True)]
    ratios = [alone / whole for alone, whole in zip(slowest, timings.seconds[RENDER], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    rates = ", ".join(f"{name} {FRAMES / median(values):.0f}/s" for name, values in stages.items())
    return Figure(
        what="tmnet render, frames a second / the slowest of decode, model and encode alone",
        value=median(ratios),
        spread=(low, high),
        limit=">= 0.9",
        detail=f"{FRAMES / timings.median(RENDER):.0f}/s; {rates}",
    )


def _untrained(conditions: Conditions, folder: Path) -> Path:
    torch.manual_seed(0)
    config = ModelConfig(backbone=conditions.backbone)
    header = CheckpointHeader(
        model=config,
        classes=[f"class {number}" for number in range(_CLASSES)],
        preprocessing=Preprocessing(size=conditions.size),
        provenance=Provenance(tmnet=__version__, torch=torch.__version__, seed=0, created=""),
    )
    path = folder / "untrained.safetensors"
    save_checkpoint(path, build_model(config, _CLASSES).eval(), header)
    return path
