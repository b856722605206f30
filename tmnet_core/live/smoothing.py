"""Probabilities or maps averaged over the last moments, so that they can be read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch


class ExponentialSmoothing:
    """An exponential average over time, not over frames: it is the same at every frame rate.

    For arrays of any shape: K probabilities, K×h×w maps. Values of another shape, as of another network, start anew;
    `clear` does so after a cut or a jump.

    Attributes:
        time_constant: seconds after which a step has come through by 63 %; 0 does not smooth.
    """

    def __init__(self, time_constant: float = 0.0) -> None:
        self.time_constant = time_constant
        self._values: dict[Branch, FloatArray] = {}
        self._time = 0.0

    def update(self, seen: Mapping[Branch, FloatArray], now: float) -> dict[Branch, FloatArray]:
        """Take one glance's values, `now` in seconds of a clock that does not go back, and return the average."""
        elapsed = max(0.0, now - self._time)
        weight = 1.0 if self.time_constant <= 0 else -math.expm1(-elapsed / self.time_constant)
        if not _same_shape(self._values, seen):
            self._values, weight = dict(seen), 1.0
        self._values = {branch: value + (seen[branch] - value) * weight for branch, value in self._values.items()}
        self._time = now
        return self._values

    def clear(self) -> None:
        """Start anew with the next glance."""
        self._values = {}


def _same_shape(first: Mapping[Branch, FloatArray], second: Mapping[Branch, FloatArray]) -> bool:
    return first.keys() == second.keys() and all(first[key].shape == second[key].shape for key in first)
