"""What a run's events add up to: how far it is, its curves, its best figures."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tmnet_core.training.events import Continued, Ended, Event, Paused, Sampled, Skipped, Started, Stepped, Validated

CURVES = ("loss", "classification_loss", "regression_loss", "learning_rate")
_COLUMNS = ("iteration", "time", *CURVES)
_PACE_STEPS = 200


class RunRecord:
    """Takes in a run's events one after another, from however many processes trained it.

    Attributes:
        started: the last process's beginning; None before the first.
        ended: how that process ended; None while it goes on.
        paused: whether it waits to be continued.
        last_step: the newest `stepped` event.
        validations: every validation that still counts.
        samples: the newest sample pictures.
        skipped: videos that could not be read, by name.
    """

    def __init__(self) -> None:
        self.started: Started | None = None
        self.ended: Ended | None = None
        self.paused = False
        self.last_step: Stepped | None = None
        self.validations: list[Validated] = []
        self.samples: Sampled | None = None
        self.skipped: dict[str, str] = {}
        self._steps = np.empty((1024, len(_COLUMNS)))
        self._count = 0
        self._pace_from = 0

    def add(self, events: Iterable[Event]) -> None:
        """Take in events in the order in which they happened."""
        for event in events:
            self._add(event)

    @property
    def iteration(self) -> int:
        """How far the run is."""
        if self.ended is not None:
            return self.ended.iteration
        reached = (self.last_step, self.started, self.validations[-1] if self.validations else None)
        return max((event.iteration for event in reached if event is not None), default=0)

    @property
    def iterations(self) -> int:
        """How far it will go; 0 before it has begun."""
        return 0 if self.started is None else self.started.iterations

    @property
    def steps(self) -> int:
        """How many points each curve has."""
        return self._count

    def curve(self, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return iterations and values of one of CURVES; NaN where a value does not apply."""
        rows = self._steps[: self._count]
        return rows[:, 0], rows[:, _COLUMNS.index(name)]

    def validation_curve(self, branch: str, metric: str = "top1") -> tuple[list[int], list[float]]:
        """Return iterations and a figure in [0, 1] of one branch."""
        points = [event for event in self.validations if branch in event.metrics]
        return [event.iteration for event in points], [event.metrics[branch][metric] for event in points]

    @property
    def branches(self) -> list[str]:
        """The branches that are validated, in the order of the newest validation."""
        return list(self.validations[-1].metrics) if self.validations else []

    @property
    def best(self) -> Validated | None:
        """The validation whose network was kept as the best."""
        return next((event for event in reversed(self.validations) if event.best), None)

    def seconds_left(self) -> float | None:
        """Return the time to the last iteration at the pace of the last minutes, None where that cannot be told."""
        rows = self._steps[max(self._pace_from, self._count - _PACE_STEPS) : self._count]
        if len(rows) < 2 or self.ended is not None:
            return None
        iterations, seconds = rows[-1, 0] - rows[0, 0], rows[-1, 1] - rows[0, 1]
        if iterations <= 0 or not math.isfinite(seconds):
            return None
        return float((self.iterations - rows[-1, 0]) * seconds / iterations)

    def _add(self, event: Event) -> None:
        match event:
            case Started():
                self._go_back_to(event.iteration)
                self.started, self.ended, self.paused = event, None, False
                self._pace_from = self._count
            case Stepped():
                self._append(event)
            case Validated():
                self.validations.append(event)
                self.paused = False
            case Sampled():
                self.samples = event
            case Skipped():
                self.skipped[event.video] = event.reason
            case Paused():
                self.paused = True
            case Continued():
                self.paused = False
                self._pace_from = self._count
            case Ended():
                self.ended, self.paused = event, False

    def _append(self, event: Stepped) -> None:
        if self._count == len(self._steps):
            self._steps = np.concatenate([self._steps, np.empty_like(self._steps)])
        regression = math.nan if event.regression_loss is None else event.regression_loss
        row = (event.iteration, event.time, event.loss, event.classification_loss, regression, event.learning_rate)
        self._steps[self._count] = row
        self._count += 1
        self.last_step, self.paused = event, False

    def _go_back_to(self, iteration: int) -> None:
        """Forget what a process did after its last save, which the next one does again."""
        self._count = int(np.searchsorted(self._steps[: self._count, 0], iteration, side="right"))
        self.validations = [event for event in self.validations if event.iteration <= iteration]
        if self.last_step is not None and self.last_step.iteration > iteration:
            self.last_step = None
