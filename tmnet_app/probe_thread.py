"""Looks at frames without a part of them, and checks maps, in a thread of its own. Knows no Qt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tmnet_core.attention.probe import MapCheck, Probed, Removal, check_map, probe
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.live.slot import LatestSlot
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    from tmnet_core.live.predictor import GlancePredictor

_log = logging.getLogger(__name__)
_WAKE_EVERY = 0.05


@dataclass(frozen=True, eq=False)
class ProbeTask:
    """A glance to be repeated without a region, H×W in [0, 1] over its frame."""

    predictor: GlancePredictor
    glance: Glance
    region: FloatArray
    how: Removal


@dataclass(frozen=True, eq=False)
class CheckTask:
    """Maps to be checked: by branch its h×w map and the class that it is of."""

    predictor: GlancePredictor
    glance: Glance
    maps: Mapping[Branch, tuple[FloatArray, int]]


class ProbeThread:
    """Does what it was asked for last; a check can be stopped.

    Attributes:
        progress: how much of the running check is done, in [0, 1]; None without one.
        failure: the newest thing that went wrong, as a sentence.
    """

    def __init__(self) -> None:
        self.progress: float | None = None
        self.failure: str | None = None
        self._tasks: LatestSlot[ProbeTask] = LatestSlot()
        self._checks: LatestSlot[tuple[CheckTask, threading.Event]] = LatestSlot()
        self._probed: LatestSlot[tuple[ProbeTask, Probed]] = LatestSlot()
        self._checked: LatestSlot[tuple[CheckTask, dict[Branch, MapCheck]]] = LatestSlot()
        self._stop = threading.Event()  # of the check that was asked for last
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tmnet-probe", daemon=True)
        self._thread.start()

    def probe(self, task: ProbeTask) -> None:
        """Ask for a look, in place of one that has not been begun."""
        self._tasks.put(task)

    def check(self, task: CheckTask) -> None:
        """Ask for a check of maps, in place of one that runs."""
        self._stop.set()
        self._stop = threading.Event()
        self.progress = 0.0
        self._checks.put((task, self._stop))

    def stop_check(self) -> None:
        """End the check that runs; it then gives nothing."""
        self._stop.set()

    def take_probed(self) -> tuple[ProbeTask, Probed] | None:
        """Return the newest look that has not been taken."""
        return self._probed.take(0)

    def take_checked(self) -> tuple[CheckTask, dict[Branch, MapCheck]] | None:
        """Return the newest check that has not been taken."""
        return self._checked.take(0)

    def close(self, timeout: float = 10.0) -> None:
        """Stop, and wait for the thread."""
        self._closing.set()
        self._stop.set()
        self._tasks.close()
        self._checks.close()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            check = self._checks.take(0)
            task = None if check else self._tasks.take(_WAKE_EVERY)
            try:
                if check is not None:
                    self._check(*check)
                elif task is not None:
                    found = probe(task.predictor, task.glance, task.region, task.how)
                    self._probed.put((task, found))
                    self.failure = None
            except Exception as error:
                if self.failure is None:
                    _log.error("Probing failed", exc_info=error)
                self.failure = f"This frame could not be probed: {error or type(error).__name__}."
                self.progress = None

    def _check(self, task: CheckTask, stop: threading.Event) -> None:
        found: dict[Branch, MapCheck] = {}
        for place, (branch, (values, index)) in enumerate(task.maps.items()):

            def note(done: int, total: int, place: int = place) -> None:
                self.progress = (place + done / total) / len(task.maps)

            one = check_map(task.predictor, task.glance, values, index, progress=note, stop=stop)
            if one is None:
                self.progress = None
                return
            found[branch] = one
        self._checked.put((task, found))
        self.progress = None
        self.failure = None
