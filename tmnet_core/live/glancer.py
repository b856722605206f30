"""The glance thread: the newest frame in, what the network says about it out. Knows no Qt; loads torch when asked."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from tmnet_core.data.preprocessing import Crop
from tmnet_core.errors import DeviceMemoryError, TMNetError
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.rates import RateMeter
from tmnet_core.live.slot import LatestSlot
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    from tmnet_core.checkpoint import CheckpointHeader

_log = logging.getLogger(__name__)
_WAKE_EVERY = 0.05


class GlanceModel(Protocol):
    """What can glance: a `GlancePredictor`, or anything of its shape. A `close()`, where there is one, frees it."""

    @property
    def classes(self) -> Sequence[str]:
        """Names, in the order of the probabilities."""

    @property
    def branches(self) -> Sequence[Branch]:
        """The branches it serves."""

    @property
    def engine(self) -> str:
        """What runs it, for a person to read."""

    @property
    def header(self) -> CheckpointHeader:
        """What the checkpoint says about itself."""

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Look at one frame."""


class GlancerState(StrEnum):
    """What the glance thread is about. While another model loads, the one before goes on glancing."""

    NO_MODEL = "no model"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, eq=False)
class Failure:
    """Why a model could not be loaded or could not glance.

    Attributes:
        sentence: for a person.
        details: the traceback, for whoever mends it; empty where the sentence says it all.
        memory: whether it was the memory of a GPU that did not suffice.
    """

    sentence: str
    details: str
    memory: bool = False


class Glancer:
    """Glances at the newest frame of `frames` as fast as its model can and puts each glance into `results`.

    An exception of the model is kept as `failure`; the thread survives and tries again with the next frame.

    Attributes:
        mirror: whether frames are mirrored before the network sees them; read at each frame.
        crop: what the network sees, None for what the checkpoint was trained with; read at each frame.
        every_frame: whether it waits until a glance was taken before it gives the next, so that none is replaced.
        extend: what else is done with each glance before it is handed out, in the glance thread; must not fail.
        rate: glances per second.
        last_frame: the newest frame that was taken, also while there is no model.
        failure: the newest failure, None once a model was loaded or glanced after it; a new object for each.
    """

    def __init__(
        self,
        frames: LatestSlot[Frame],
        results: LatestSlot[Glance],
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.mirror = False
        self.crop: Crop | None = None
        self.every_frame = False
        self.extend: Callable[[Glance], Glance] = lambda glance: glance
        self.rate = RateMeter()
        self.last_frame: Frame | None = None
        self.failure: Failure | None = None
        self._frames = frames
        self._results = results
        self._on_change = on_change
        self._model: GlanceModel | None = None
        self._retired: list[GlanceModel] = []
        self._broken = False
        self._again = threading.Event()
        self._closing = threading.Event()
        self._loading: threading.Thread | None = None
        self._superseded: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="tmnet-glance", daemon=True)

    @property
    def model(self) -> GlanceModel | None:
        """The model that glances."""
        return self._model

    @property
    def state(self) -> GlancerState:
        """What the thread is about."""
        if self._closing.is_set():
            return GlancerState.CLOSED
        if self._loading is not None:
            return GlancerState.LOADING
        if self._broken:
            return GlancerState.FAILED
        return GlancerState.NO_MODEL if self._model is None else GlancerState.READY

    @property
    def error(self) -> str | None:
        """The newest failure as one sentence."""
        return None if self.failure is None else self.failure.sentence

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def load(self, open_model: Callable[[], GlanceModel]) -> None:
        """Call `open_model` in a thread of its own and swap in what it returns; a later load supersedes it."""
        loading = threading.Thread(target=self._load, args=(open_model,), name="tmnet-load", daemon=True)
        with self._lock:
            before, self._loading = self._loading, loading
        self._superseded = [
            thread for thread in [*self._superseded, before] if thread is not None and thread.is_alive()
        ]
        loading.start()
        self._on_change()

    def look_again(self) -> None:
        """Glance once more at the last frame: a setting changed while no new frame comes."""
        self._again.set()

    def close(self, timeout: float = 10.0) -> None:
        """Stop, wait for the threads and free the model."""
        self._closing.set()
        # A load that nobody waits for any more ends all the same: torch does not bear the end of the program beside it.
        for thread in (self._thread, self._loading, *self._superseded):
            if thread is not None and thread.is_alive():
                thread.join(timeout)
        with self._lock:
            self._swap(None)
        self._free_retired()

    def _load(self, open_model: Callable[[], GlanceModel]) -> None:
        failure = model = None
        try:
            model = open_model()
        except Exception as error:
            if not isinstance(error, TMNetError):
                _log.warning("A model could not be loaded", exc_info=True)
            failure = _failure("The checkpoint could not be loaded", error)
        with self._lock:
            wanted = self._loading is threading.current_thread() and not self._closing.is_set()
            if model is not None and wanted:
                self._swap(model)
            elif model is not None:
                self._retired.append(model)
            if wanted:
                self.failure = failure
                # Last, so that whoever sees that loading has ended also sees what came of it.
                self._loading = None
        self._on_change()

    def _swap(self, model: GlanceModel | None) -> None:
        """Put a model in place of the one before; called with the lock held."""
        before, self._model = self._model, model
        self._broken = False
        if before is not None:
            self._retired.append(before)
        self.look_again()

    def _free_retired(self) -> None:
        """Free replaced models between two glances, never under one."""
        while self._retired:
            close = getattr(self._retired.pop(), "close", None)
            if close is not None:
                close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._free_retired()
            frame = self._next_frame()
            if frame is None:
                continue
            self.last_frame = frame
            model = self._model
            if model is not None:
                self._glance(model, frame)

    def _next_frame(self) -> Frame | None:
        frame = self._frames.take(_WAKE_EVERY)
        if frame is None and self._again.is_set():
            frame = self.last_frame
        self._again.clear()
        return frame

    def _glance(self, model: GlanceModel, frame: Frame) -> None:
        try:
            glance = self.extend(model.glance(frame, mirror=self.mirror, crop=self.crop))
        except Exception as error:
            if model is self._model:
                self._fail(error)
            return
        if model is not self._model:
            return
        self.rate.tick()
        while self.every_frame and not self._closing.is_set() and not self._results.wait_until_taken(_WAKE_EVERY):
            pass
        self._results.put(glance)
        if self._broken:
            self._broken, self.failure = False, None
            self._on_change()

    def _fail(self, error: Exception) -> None:
        """Tell of the first failure in a row; a model that fails at every frame must not flood the log."""
        if not self._broken:
            _log.error("A glance failed", exc_info=error)
            self._broken, self.failure = True, _failure("The network could not look at a frame", error)
            self._on_change()
        self._closing.wait(_WAKE_EVERY)


def _failure(what: str, error: Exception) -> Failure:
    if isinstance(error, TMNetError):
        return Failure(str(error), "", isinstance(error, DeviceMemoryError))
    cause = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        cause = "there is not enough memory; close other programs, or choose a smaller network"
    return Failure(f"{what}: {cause.rstrip('.')}.", "".join(traceback.format_exception(error)))
