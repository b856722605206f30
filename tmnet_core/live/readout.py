"""What can be read of one glance after the other: averaged probabilities, and classes in an order that holds still.

All of it follows the stream's own time, so that a file reads the same in the window and in an export, however fast it
is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.live.ranking import StableRanking
from tmnet_core.live.smoothing import ExponentialSmoothing
from tmnet_core.models.branch import Branch

# Seconds over which probabilities are averaged, unless a person wants it otherwise.
SMOOTHING = 0.3
MOST_CLASSES = 10

_LONGEST_GAP = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Readout:
    """What is shown of one glance.

    Attributes:
        probabilities: by branch, averaged.
        order: the top classes of the answer, the first leads; no more than `MOST_CLASSES`.
    """

    probabilities: Mapping[Branch, FloatArray]
    order: Sequence[int]


class Readouts:
    """Reads the glances of one stream, in order; a jump and a gap of more than half a second start anew.

    Args:
        smoothing: time constant in seconds; 0 shows each glance as it is.
    """

    def __init__(self, smoothing: float = SMOOTHING) -> None:
        self._smoothing = ExponentialSmoothing(smoothing)
        self._ranking = StableRanking()
        self._time = 0.0

    @property
    def smoothing(self) -> float:
        """Time constant in seconds."""
        return self._smoothing.time_constant

    @smoothing.setter
    def smoothing(self, seconds: float) -> None:
        self._smoothing.time_constant = seconds

    def read(self, glance: Glance, *, still: bool = False) -> Readout:
        """Return what is shown of a glance; of a picture that stands, what it says alone."""
        now = glance.frame.time
        if still or not 0.0 <= now - self._time <= _LONGEST_GAP:
            self.clear()
        self._time = now
        probabilities = self._smoothing.update(glance.probabilities, now)
        answer = probabilities[glance.answer]
        order = self._ranking.update(answer, min(MOST_CLASSES, len(answer)), now)
        return Readout(probabilities, tuple(order))

    def clear(self) -> None:
        """Start anew: another stream follows."""
        self._smoothing.clear()
        self._ranking.clear()
