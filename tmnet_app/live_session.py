"""What is being looked at, and by which network: owns the glance thread."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from tmnet_app.paint_meter import PaintMeter
from tmnet_app.sentences import sentence
from tmnet_app.source_control import SourceControl
from tmnet_app.views.rate_graphs import Rates
from tmnet_core.data.preprocessing import Box, Crop, Placement
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glancer import Failure, GlanceModel, Glancer, GlancerState
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.readout import Readout, Readouts
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, open_source
from tmnet_core.live.timing import Drops

if TYPE_CHECKING:
    from tmnet_core.checkpoint import CheckpointHeader
    from tmnet_core.live.engines.choice import EngineOffer

DISPLAY_HZ = 30


@dataclass(frozen=True)
class EngineChoice:
    """What shall compute, as `GlancePredictor.from_file` takes it."""

    name: str
    device: str


AUTOMATIC = EngineChoice("auto", "auto")


@dataclass(frozen=True, eq=False)
class Moment:
    """What the window shows now.

    Attributes:
        frame: the picture.
        placement: what the network sees of it, and whether it is mirrored.
        glance: what the network said; None without a network.
        readout: probabilities, averaged as the person wishes, and the order of classes; None without a network.
        still: whether the picture stands, so that nothing should be averaged or delayed.
        second_readout: the same of what a second network said; None without one.
    """

    frame: Frame
    placement: Placement
    glance: Glance | None
    readout: Readout | None
    still: bool
    second_readout: Readout | None = None

    @property
    def second(self) -> Glance | None:
        """What a second network said about the same frame; None without one."""
        return None if self.glance is None else self.glance.second


class LiveSession(QObject):
    """Looks at what plays, and hands the newest moment to its viewers thirty times a second.

    Signals are light facts; pictures travel by plain calls to the viewers, in the GUI thread.
    A checkpoint that cannot be opened leaves the one before at work.

    Attributes:
        playback: opens and plays sources.
    """

    checkpoint_loaded = Signal(str)  # its path
    source_opened = Signal(str)  # its spec: a path, an address, "camera:0"
    state_changed = Signal()
    failed = Signal(str, str)  # one sentence, details
    memory_fell_short = Signal(str, str)  # one sentence, the path of the checkpoint that a GPU could not hold
    ticked = Signal(float)  # thirty times a second, with time.perf_counter()

    def __init__(
        self,
        load_model: Callable[[str], GlanceModel] | None = None,
        open_frames: Callable[[str], FrameSource] = open_source,
        parent: QObject | None = None,
        *,
        display_hz: float = DISPLAY_HZ,
    ) -> None:
        super().__init__(parent)
        self._load_model = load_model or self._load_predictor
        self._load_for_now = load_model or partial(self._load_predictor, for_now=True)
        self.engine = AUTOMATIC
        self._next_engine = AUTOMATIC
        self.engines: list[EngineOffer] = []
        self._frames: LatestSlot[Frame] = LatestSlot()
        self._results: LatestSlot[Glance] = LatestSlot()
        self._glancer = Glancer(self._frames, self._results)
        self.playback = SourceControl(open_frames, self._frames, self)
        self.playback.opened.connect(self._begin_source)
        self.playback.failed.connect(self.failed)
        self.playback.changed.connect(self.state_changed)
        self._checkpoint = self._loading = ""
        self._viewers: list[Callable[[Moment], None]] = []
        self._readouts, self._second_readouts = Readouts(), Readouts()
        self._prepare_bookkeeping()
        self._timer = QTimer(self, interval=round(1000 / display_hz), timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def _prepare_bookkeeping(self) -> None:
        """Set up what the session compares with at each tick to notice what the threads did."""
        self.moment: Moment | None = None
        self.painted = PaintMeter()
        self._drops_before = Drops()
        self._seen_model: GlanceModel | None = None
        self._seen_failure: Failure | None = None
        self._seen_states: tuple[object, ...] = ()

    def start(self) -> None:
        """Start the glance thread and the timer."""
        self._glancer.start()
        self._timer.start()

    def close(self) -> None:
        """Stop everything and wait for the threads."""
        self._timer.stop()
        self.playback.close()
        self._frames.close()
        self._glancer.close()

    def add_viewer(self, viewer: Callable[[Moment], None]) -> None:
        """Call `viewer` with each new moment."""
        self._viewers.append(viewer)

    # What is open

    def load_checkpoint(self, path: str | Path, *, for_now: bool = False) -> None:
        """Load a checkpoint in the background and look with it from then on.

        Args:
            for_now: another one will take its place in minutes, so it is not worth preparing a faster engine for.
        """
        name = self._loading = str(path)
        load = self._load_for_now if for_now else self._load_model
        self._glancer.load(lambda: load(name))
        self.state_changed.emit()

    def choose_engine(self, engine: EngineChoice, checkpoint: str = "") -> None:
        """Let another engine look from now on; the one before goes on until it is ready, and is freed then.

        Where it cannot be had, `failed` tells and the one before stays. `checkpoint` is what it shall look with, where
        that is not the one that is open.
        """
        self._next_engine = engine
        current = checkpoint or self._loading or self._checkpoint
        if current:
            self.load_checkpoint(current)
        else:
            self.engine = engine

    @property
    def next_engine(self) -> EngineChoice:
        """The engine that was chosen last, which may still be loading."""
        return self._next_engine

    def _load_predictor(self, path: str, *, for_now: bool = False) -> GlanceModel:
        # torch is imported here, in a thread beside the window, so that the window is there at once.
        import torch

        from tmnet_core.live.engines.choice import all_engines
        from tmnet_core.live.predictor import GlancePredictor

        # One core is left to decoding and drawing: torch's threads wait for each other at every layer, so a core that
        # is shared slows all of them down, by ten times and more.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))
        self.engines = all_engines(Path(path))
        engine = self._next_engine
        name = "torch" if for_now and engine == AUTOMATIC else engine.name
        return GlancePredictor.from_file(path, engine.device, name)

    @property
    def model(self) -> GlanceModel | None:
        """The network that looks, from `checkpoint_loaded` on."""
        return self._seen_model

    @property
    def header(self) -> CheckpointHeader | None:
        """What the loaded checkpoint says of itself."""
        return None if self.model is None else self.model.header

    @property
    def checkpoint(self) -> str:
        """Path of the loaded checkpoint, empty before the first."""
        return self._checkpoint

    @property
    def loading(self) -> str:
        """Path of the checkpoint that is being loaded, else empty."""
        return self._loading

    def set_every_frame(self, every: bool) -> None:
        """Let files wait until each frame was looked at and shown, or keep time; for this source and those to come."""
        self._glancer.every_frame = every
        self.playback.set_every_frame(every)

    # Looking

    @property
    def mirror(self) -> bool:
        """Whether the picture is mirrored, for the person and for the network."""
        return self._glancer.mirror

    def set_mirror(self, mirror: bool) -> None:
        """Mirror from the next glance on."""
        self._glancer.mirror = mirror
        self._look_again()

    def set_crop(self, crop: Crop | None) -> None:
        """Let the network see the whole frame, the centre, or what it was trained with."""
        self._glancer.crop = crop
        self._look_again()

    @property
    def crop(self) -> Crop | None:
        """What part of a frame the network sees; None for what it was trained with."""
        return self._glancer.crop

    def extend_glances(self, extend: Callable[[Glance], Glance] | None) -> None:
        """Do more with each glance, in the glance thread; None: no more."""
        self._glancer.extend = extend or (lambda glance: glance)
        self._second_readouts.clear()
        self._look_again()

    def read_model(self, path: str) -> GlanceModel:
        """Load a checkpoint that somebody else will look with; takes its time, so not in the window's thread."""
        return self._load_model(path)

    def set_smoothing(self, seconds: float) -> None:
        """Set the time constant of the average, in seconds of the source."""
        self._readouts.smoothing = self._second_readouts.smoothing = seconds

    def show_again(self) -> None:
        """Hand the last moment to the viewers once more: they show it in another way."""
        if self.moment is not None:
            self._show(self.moment)

    def _look_again(self) -> None:
        self._glancer.look_again()
        if self.moment is not None and self.moment.glance is None:
            self._show_frame(self.moment.frame)

    # Speed

    def note_painted(self, captured: float) -> None:
        """Count a frame that has been painted, by when it was captured."""
        self.painted.note(captured, self.moment, self.drops)

    @property
    def rates(self) -> Rates:
        """How fast it runs; NaN for what does not apply."""
        if not self.playback.playing:
            return Rates(*(math.nan,) * 4)
        return Rates(
            capture=self.playback.capture_rate,
            glance=self._glancer.rate.rate if self.model is not None else math.nan,
            display=self.painted.displayed.rate,
            age=self.painted.age,
        )

    @property
    def drops(self) -> Drops:
        """Frames of this source that never reached the screen."""
        if self.playback.state is PlaybackState.CLOSED:
            return Drops()
        inference = self._frames.dropped - self._drops_before.inference
        display = self._results.dropped - self._drops_before.display
        return Drops(self.playback.passed_over, inference, display)

    # Once a tick

    def _tick(self) -> None:
        self.playback.notice()
        self._notice_model()
        self._notice_state()
        self._show_newest()
        self.ticked.emit(time.perf_counter())

    def _begin_source(self, name: str) -> None:
        self._drops_before = Drops(0, self._frames.dropped, self._results.dropped)
        self._readouts.clear()
        self.painted.timing.clear()
        self.source_opened.emit(name)

    def _notice_model(self) -> None:
        glancer = self._glancer
        loaded = ""
        if self._loading and glancer.state is not GlancerState.LOADING:
            loaded, self._loading = self._loading, ""
            if glancer.model is not self._seen_model:
                self._seen_model = glancer.model
                self._checkpoint = loaded
                self.engine = self._next_engine
                self._readouts.clear()
                self.painted.stages.clear()
                self._results.take(0)
                self.checkpoint_loaded.emit(loaded)
            self._next_engine = self.engine
            self.state_changed.emit()
        failure = glancer.failure
        if failure is not self._seen_failure:
            self._seen_failure = failure
            if failure is not None:
                self.failed.emit(sentence(failure.sentence), failure.details)
                if failure.memory:
                    self.memory_fell_short.emit(sentence(failure.sentence), loaded or self._checkpoint)

    def _notice_state(self) -> None:
        states = (self.playback.state, self._glancer.state, self.playback.opening)
        if states != self._seen_states:
            self._seen_states = states
            self.playback.tell_failure()
            self.state_changed.emit()
            if not self.playback.playing:
                self._settle()

    def _settle(self) -> None:
        """Show the picture that stopped with what was said about it alone."""
        moment = self.moment
        if moment is None or moment.still or not self._stands(moment.frame):
            return
        if moment.glance is None:
            self._show(replace(moment, still=True))
        else:
            self._show(self._read(moment.glance, still=True))

    def _show_newest(self) -> None:
        if self.playback.arriving:
            # Its frames wait for the next tick, which makes it the source that is open.
            return
        glance = self._results.take(0)
        if glance is not None:
            self._show_glance(glance)
        elif self._glancer.state is not GlancerState.READY and not self._shown(self._glancer.last_frame):
            frame = self._glancer.last_frame
            if frame is not None and (self.model is None or self._glancer.state is GlancerState.FAILED):
                self._show_frame(frame)

    def _shown(self, frame: Frame | None) -> bool:
        return self.moment is not None and self.moment.frame is frame

    def _show_glance(self, glance: Glance) -> None:
        # One glance of the model before, or of one that the views do not know yet, may still be on its way.
        if self.model is None or len(glance.probabilities[glance.answer]) != len(self.model.classes):
            return
        self._show(self._read(glance, still=self._stands(glance.frame)))

    def _stands(self, frame: Frame) -> bool:
        """Whether nothing moves and no newer frame is on its way: those before it are part of what was played."""
        return not self.playback.playing and frame.index == self.playback.position

    def _read(self, glance: Glance, *, still: bool) -> Moment:
        return Moment(
            glance.frame,
            glance.placement,
            glance,
            self._readouts.read(glance, still=still),
            still,
            None if glance.second is None else self._second_readouts.read(glance.second, still=still),
        )

    def _show_frame(self, frame: Frame) -> None:
        height, width = frame.image.shape[:2]
        placement = Placement((width, height), Box(0, 0, width, height), mirror=self.mirror)
        self._show(Moment(frame, placement, None, None, self._stands(frame)))

    def _show(self, moment: Moment) -> None:
        self.moment = moment
        for viewer in self._viewers:
            viewer(moment)
