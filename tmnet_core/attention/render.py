"""`tmnet render`: a video with both branches' maps, classes and agreement beside each frame, made without a display.

Decoding, the network, painting and encoding work side by side. Every frame is written; none is dropped.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tmnet_core.attention.agreement import kept_regions
from tmnet_core.attention.classes import class_index, shown_name
from tmnet_core.attention.clip_memory import ClipMemory
from tmnet_core.attention.composition import Composed, Composer, PaneContent, SecondContent, class_bars, panes_of
from tmnet_core.attention.measuring import GlanceMeter
from tmnet_core.attention.motion import MotionFinder
from tmnet_core.attention.pipeline import ahead
from tmnet_core.attention.recording import MovieWriter
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import AttentionMaps, MapName, ShownMap
from tmnet_core.attention.table import AttentionLine, AttentionTable, attention_line, table_kind
from tmnet_core.data.preprocessing import Crop, Image
from tmnet_core.errors import TMNetError
from tmnet_core.files import replacing
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glance_file import GlanceLine, glance_line
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.live.readout import SMOOTHING, Readout, Readouts
from tmnet_core.live.sources import FrameSource, VideoFileSource
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

_FPS_WHEN_UNKNOWN = 25.0
_BRANCH_OF: dict[MapName, Branch] = {"rb": Branch.RB, "cb": Branch.CB}


@dataclass(frozen=True)
class RenderOptions:
    """How a video is rendered.

    Attributes:
        settings: maps, their scale and colours.
        class_name: the class whose maps are shown; the answer's where None.
        third: a pane for both branches together beside RB's and CB's, as `settings.third` says.
        height: of each picture, in pixels.
        top: classes below the pictures and, by branch, in the table.
        agreement: whether to say how much of each map lies where things move.
        mirror: whether the network sees the frames mirrored.
        crop: what part the network sees; the checkpoint's own where None.
        ink: dark or light surroundings.
        smoothing: seconds over which probabilities are averaged; the table has each glance alone.
    """

    settings: AttentionSettings = field(default_factory=AttentionSettings)
    class_name: str | None = None
    third: bool = False
    height: int = 240
    top: int = 3
    agreement: bool = True
    mirror: bool = False
    crop: Crop | None = None
    ink: Literal["dark", "light"] = "dark"
    smoothing: float = SMOOTHING


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came out.

    Attributes:
        path: of the video; under another name where rendering was stopped.
        frames: how many were written.
        listed: how many the file lists; more than `frames` where some are too damaged to decode.
        stopped: whether somebody ended it before the last frame.
    """

    path: Path
    frames: int
    listed: int
    stopped: bool = False

    def __str__(self) -> str:
        if self.stopped:
            return f"{self.path}: stopped after {self.frames} of {self.listed} frames, which play"
        if self.frames < self.listed:
            damaged = self.listed - self.frames
            return f"{self.path}: {self.frames} of {self.listed} frames, {damaged} too damaged to be decoded"
        return f"{self.path}: {self.frames} of {self.listed} frames"


class Annotator:
    """Turns glances into compositions of one size, one after the other, and into lines of a table.

    Use it for one stream, from one thread at a time.

    Attributes:
        options: what is shown.
        size: (width, height) of the compositions.
        second: looks at the same frames, to be compared with the first; None without one.
    """

    def __init__(
        self,
        predictor: GlancePredictor,
        options: RenderOptions,
        checkpoint: Path,
        source: FrameSource,
        *,
        second: GlancePredictor | None = None,
    ) -> None:
        self.options, self.second = options, second
        pinned = -1 if options.class_name is None else class_index(predictor.classes, options.class_name)
        self._names = checkpoint.name, source.title
        kept = kept_regions(checkpoint) if options.agreement else None
        self._meter = GlanceMeter(kept, ClipMemory.of(predictor.header))
        self._first = _NetworkReader(predictor.classes, options, self._meter.motion, pinned)
        self._below = None if second is None else _NetworkReader(second.classes, options, self._meter.motion)
        third = options.third and Branch.FUSED in predictor.branches
        maps = sum(branch is not Branch.FUSED or third for branch in predictor.branches)
        self._composer = Composer(
            (source.width, source.height),
            1 + maps,
            height=options.height,
            rows=min(options.top, len(predictor.classes)),
            agreement=options.agreement,
            second=second is not None,
            settings=options.settings,
            ink=options.ink,
        )
        self.size = self._composer.size

    def annotate(self, glance: Glance) -> tuple[Image, AttentionLine]:
        """Return the picture of one glance, and what it says."""
        frame, options, classes, names = glance.frame, self.options, self._first.classes, self._first.names
        readout, shown = self._first.read(glance)
        of_branch = {_BRANCH_OF[name]: one for name, one in shown.items() if name in _BRANCH_OF}
        measured = self._meter.measure(glance, {branch: one.values for branch, one in of_branch.items()})
        agreement = measured.agreement if options.agreement else None
        checkpoint, title = self._names
        composed = Composed(
            [PaneContent("Input"), *panes_of(shown, readout.probabilities, names)],
            class_bars(readout, names, options.top),
            agreement,
            f"{title} · {frame.time:.2f} s · frame {frame.index}",
            checkpoint,
            self._second_content(glance, shown),
        )
        picture = self._composer.paint(frame, glance.placement, composed)
        indices = {branch: one.index for branch, one in of_branch.items()}
        second = self._second_line(glance)
        return picture, attention_line(glance, classes, indices, agreement, measured.clip, options.top, second)

    def _second_content(self, glance: Glance, beside: Mapping[MapName, ShownMap]) -> SecondContent | None:
        if self._below is None or self.second is None or glance.second is None:
            return None
        like = next(iter(beside.values()), None)
        names = self._below.names
        readout, shown = self._below.read(glance.second, like=None if like is None else self._first.classes[like.index])
        return SecondContent(
            self.second.header.title,
            glance.second.placement,
            panes_of(shown, readout.probabilities, names, list(beside)),
            class_bars(readout, names, self.options.top),
        )

    def _second_line(self, glance: Glance) -> GlanceLine | None:
        if self._below is None or glance.second is None:
            return None
        return glance_line(glance.second, self._below.classes, max(1, self.options.top))


class _NetworkReader:
    """What the pictures and bars of one network show, glance after glance."""

    def __init__(self, classes: list[str], options: RenderOptions, scenes: MotionFinder, pinned: int = -1) -> None:
        self.classes = classes
        self.names = [shown_name(name) for name in classes]
        self._options, self._pinned = options, pinned
        self._readouts = Readouts(options.smoothing)
        self._maps = AttentionMaps(scenes)

    def read(self, glance: Glance, *, like: str | None = None) -> tuple[Readout, dict[MapName, ShownMap]]:
        """Return probabilities and maps; of the class `like`, where the network knows it."""
        readout = self._readouts.read(glance)
        shown = self._maps.choose(
            glance,
            readout.probabilities,
            self._options.settings,
            leader=self.classes.index(like) if like in self.classes else readout.order[0],
            pinned=self._pinned,
        )
        return readout, {name: one for name, one in shown.items() if self._options.third or name != "both"}


def render_file(
    checkpoint: Path,
    video: Path,
    out: Path,
    options: RenderOptions | None = None,
    *,
    second: Path | None = None,
    table: Path | None = None,
    device: str = "auto",
    engine: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Rendered:
    """Write a video with maps, classes and agreement beside each frame of a video file, and a table of its lines.

    Args:
        checkpoint: a checkpoint or an exported file.
        video: the video file.
        out: an `.mp4`; written as `NAME.part.mp4` until it is complete.
        options: what is shown.
        second: another checkpoint that looks at the same frames, shown below the first.
        table: a `.csv` or `.jsonl` with one line a frame.
        device: where the network runs.
        engine: what computes.
        progress: told (frames done, frames in all).
        stop: set from another thread, it ends the rendering; what was written stays and plays.

    Raises:
        TMNetError: one of its kinds, where something cannot be read, computed or written.
    """
    options = options or RenderOptions()
    _check(out, video, ".mp4")
    if table is not None:
        table_kind(table)
    with ExitStack() as opened:
        source = opened.enter_context(closing(VideoFileSource(video)))
        predictor, other = (
            None if path is None else opened.enter_context(closing(GlancePredictor.from_file(path, device, engine)))
            for path in (checkpoint, second)
        )
        assert predictor is not None
        annotator = Annotator(predictor, options, checkpoint, source, second=other)
        return render_source(annotator, predictor, source, out, table=table, progress=progress, stop=stop)


def render_source(
    annotator: Annotator,
    predictor: GlancePredictor,
    source: FrameSource,
    out: Path,
    *,
    table: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: threading.Event | None = None,
) -> Rendered:
    """Do what `render_file` does with what it has opened."""
    options = annotator.options
    writer = MovieWriter(out, annotator.size, source.fps or _FPS_WHEN_UNKNOWN)
    listed = len(source.times)
    second = () if annotator.second is None else annotator.second.branches
    try:
        with (
            writer,
            AttentionTable.open(table, predictor.branches, options.top, second) as lines,
            ahead(read_frames(source)) as frames,
            ahead(glance_at(predictor, frames, options, annotator.second)) as glances,
            ahead(map(annotator.annotate, glances)) as annotated,
        ):
            for picture, line in annotated:
                writer.write(picture, line.time)
                lines.add(line)
                progress(writer.frames, listed)
                if stop is not None and stop.is_set():
                    raise _StoppedError
            writer.finish()
    except _StoppedError:
        return Rendered(writer.unfinished, writer.frames, listed, stopped=True)
    return Rendered(out, writer.frames, listed)


def read_frames(source: FrameSource) -> Iterator[Frame]:
    """Yield every frame that a source has left: the first stage of a rendering."""
    while (frame := source.read()) is not None:
        yield frame


def glance_at(
    predictor: GlancePredictor, frames: Iterable[Frame], options: RenderOptions, second: GlancePredictor | None = None
) -> Iterator[Glance]:
    """Yield a glance at every frame, with the second network's beside it: the second stage."""
    for frame in frames:
        glance = predictor.glance(frame, mirror=options.mirror, crop=options.crop)
        if second is not None:
            glance = replace(glance, second=second.glance(frame, mirror=options.mirror, crop=options.crop))
        yield glance


def render_figure(
    checkpoint: Path,
    video: Path,
    out: Path,
    frame_index: int,
    options: RenderOptions | None = None,
    *,
    device: str = "auto",
    engine: str = "auto",
) -> Path:
    """Write the paper's Fig. 6 for one frame as PNG: the frame, and RB's and CB's maps with their probabilities.

    Raises:
        TMNetError: also where the video has no such frame.
    """
    options = options or RenderOptions(top=0, agreement=False, ink="light", height=320)
    _check(out, video, ".png")
    with closing(VideoFileSource(video)) as source:
        frame = read_frame(source, frame_index)
        with closing(GlancePredictor.from_file(checkpoint, device, engine)) as predictor:
            annotator = Annotator(predictor, options, checkpoint, source)
            picture, _ = annotator.annotate(predictor.glance(frame, mirror=options.mirror, crop=options.crop))
    return write_png(out, picture)


def read_frame(source: FrameSource, index: int) -> Frame:
    """Return one frame of a file; TMNetError where it has no such frame."""
    if not 0 <= index < len(source.times):
        raise TMNetError(f"{source.title} has frames 0 to {len(source.times) - 1}, so none with number {index}")
    source.seek(index)
    frame = source.read()
    if frame is None:
        raise TMNetError(f"{source.title}: frame {index} and all after it are damaged")
    return frame


def write_png(path: Path, picture: Image) -> Path:
    """Write an H×W×3 RGB picture as PNG; OSError where it cannot be written."""
    ok, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert ok, "PNG takes every picture"
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())
    return path


class _StoppedError(Exception):
    """Somebody ended it: what was written stays under its unfinished name."""


def _check(out: Path, video: Path, suffix: str) -> None:
    if out.suffix.lower() != suffix:
        raise TMNetError(f"{out}: the name ends in {suffix}")
    if not out.parent.is_dir():
        raise TMNetError(f"{out} cannot be written: there is no folder {out.parent}")
    if out.exists() and video.exists() and os.path.samefile(out, video):
        raise TMNetError(f"{out} is the video that is read, so it cannot be written")
