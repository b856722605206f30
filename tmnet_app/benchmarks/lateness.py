"""How late the window's timers are while a network computes: inference must not hold the interpreter's lock."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer

from tmnet_app.benchmarks.stand_in_window import open_window_with, run_events, write_video
from tmnet_app.demo import find_demo
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.data.preprocessing import Crop
from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glancer import GlanceModel
from tmnet_core.models.branch import Branch

REACH = 2.5
TIMER_MS = 10
_TURNS = 6


def measure_lateness(seconds: float) -> list[Figure]:
    """Return the 99th percentile of lateness with the demo's network at work over that without.

    Then the same where the network holds the interpreter's lock. Each of the two takes so many seconds.
    """
    from tmnet_core.live.predictor import GlancePredictor

    demo = find_demo()
    if demo is None:
        raise TMNetError("lateness cannot be measured: this installation came without the demo")
    model = GlancePredictor.from_file(demo.checkpoint, "cpu", "torch")
    try:
        held = compare_lateness(HoldsTheLock(model), seconds)
        named = f"{held.what}, by a network that holds the interpreter's lock (which must miss the reach)"
        return [compare_lateness(model, seconds), held.model_copy(update={"what": named, "limit": f">= {REACH}"})]
    finally:
        model.close()


def compare_lateness(model: GlanceModel, seconds: float) -> Figure:
    """Let the window play with and without a network's inference, in turns, and compare how late a timer fires."""
    switched = SwitchedModel(model)
    with tempfile.TemporaryDirectory() as folder:
        window = open_window_with(switched, write_video(Path(folder)))
        meter = LatenessMeter()
        late: dict[bool, list[float]] = {False: [], True: []}
        for turn in range(_TURNS):
            switched.computes = bool(turn % 2)
            run_events(0.3)
            meter.measure(seconds / _TURNS)
            late[switched.computes] += meter.late
        window.close()
    idle, busy = (float(np.percentile(late[computes], 99)) for computes in (False, True))
    return Figure(
        what="99th percentile of a timer's lateness: with inference / without",
        value=busy / idle,
        limit=f"<= {REACH}",
        detail=f"{busy:.2f} ms / {idle:.2f} ms, {len(late[True])} and {len(late[False])} times, {model.engine}",
    )


class SwitchedModel:
    """A network that computes, or answers at once with what it said last, so that everything else stays the same."""

    def __init__(self, model: GlanceModel) -> None:
        self.computes = True
        self._model = model
        self._last: Glance | None = None

    @property
    def classes(self) -> Sequence[str]:
        """Those of the network."""
        return self._model.classes

    @property
    def branches(self) -> Sequence[Branch]:
        """Those of the network."""
        return self._model.branches

    @property
    def engine(self) -> str:
        """That of the network."""
        return self._model.engine

    @property
    def header(self) -> CheckpointHeader:
        """That of the network."""
        return self._model.header

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Look, or say again what was said last."""
        if self.computes or self._last is None:
            self._last = self._model.glance(frame, mirror=mirror, crop=crop)
            return self._last
        return replace(self._last, frame=frame, finished=time.perf_counter())


class HoldsTheLock(SwitchedModel):
    """A network that holds the interpreter's lock while it computes, as one in plain Python would."""

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Hold the lock in one call of C, which nothing can interrupt, then look."""
        sum(range(8_000_000))
        return super().glance(frame, mirror=mirror, crop=crop)


class LatenessMeter:
    """A timer that notes how much later than asked for it was heard."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(interval=TIMER_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._note)

    def _note(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, 1e3 * (now - self._last) - TIMER_MS))
        self._last = now

    def measure(self, seconds: float) -> float:
        """Let the window live for so long; returns the 99th percentile of the lateness in milliseconds."""
        self.late.clear()
        self._last = time.perf_counter()
        self._timer.start()
        run_events(seconds)
        self._timer.stop()
        return float(np.percentile(self.late, 99))
