"""Which classes are shown, in which order, so that the list can be read while it changes."""

from __future__ import annotations

import math

import numpy as np

from tmnet_core.live.frames import FloatArray

PATIENCE = 0.5
# Ahead by this much a class is the answer, as after a cut, and naming another one meanwhile would be wrong.
DECISIVE = 0.3


class StableRanking:
    """Keeps the top classes in an order that changes only once a class is far ahead, or ahead for half a second."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.order: list[int] = []
        self._patience = patience
        self._ahead_since: dict[tuple[int, int], float] = {}

    def update(self, probabilities: FloatArray, count: int, now: float) -> list[int]:
        """Return the indices of the `count` classes to show.

        Args:
            probabilities: K values; classes are compared by them.
            count: how many to show, at most K.
            now: seconds of a clock that does not go back.
        """
        top = [int(index) for index in np.argsort(-probabilities, kind="stable")[:count]]
        if not self.order or max(self.order) >= len(probabilities):
            self.order = top
            self._ahead_since.clear()
            return self.order
        candidates = self.order + [index for index in top if index not in self.order]
        self._note_who_leads(candidates, probabilities, now)
        self.order = self._sorted(candidates, now)[:count]
        return self.order

    def clear(self) -> None:
        """Take the next order at once: another stream or another set of classes follows."""
        self.order = []
        self._ahead_since.clear()

    def _note_who_leads(self, candidates: list[int], probabilities: FloatArray, now: float) -> None:
        before = self._ahead_since
        self._ahead_since = {
            (one, other): -math.inf
            if probabilities[one] - probabilities[other] > DECISIVE
            else before.get((one, other), now)
            for one in candidates
            for other in candidates
            if probabilities[one] > probabilities[other]
        }

    def _sorted(self, order: list[int], now: float) -> list[int]:
        """Let each class rise past those it has been ahead of for long enough."""
        order = list(order)
        for end in range(1, len(order)):
            for place in range(end, 0, -1):
                since = self._ahead_since.get((order[place], order[place - 1]))
                if since is None or now - since < self._patience:
                    break
                order[place - 1], order[place] = order[place], order[place - 1]
        return order
