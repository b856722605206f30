"""Timing cases against each other on a machine whose speed drifts: A B A B, medians, ratios round by round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Clock = Literal["wall", "processor"]


@dataclass(frozen=True)
class Timings:
    """Seconds of each case in each round; all cases ran in every round."""

    seconds: Mapping[str, tuple[float, ...]]

    def median(self, case: str) -> float:
        """Return a case's median in seconds."""
        return statistics.median(self.seconds[case])

    def ratio(self, case: str, reference: str) -> float:
        """Return the median over rounds of case / reference, so that both of a ratio ran side by side."""
        pairs = zip(self.seconds[case], self.seconds[reference], strict=True)
        return statistics.median(a / b for a, b in pairs)

    def ratio_spread(self, case: str, reference: str) -> tuple[float, float]:
        """Return the quartiles of case / reference over rounds."""
        pairs = zip(self.seconds[case], self.seconds[reference], strict=True)
        low, _, high = statistics.quantiles([a / b for a, b in pairs], n=4)
        return low, high


def time_interleaved(
    cases: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warmup: int = 3,
    clock: Clock = "wall",
    before: Callable[[], object] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Timings:
    """Run every case once a round, in turn, after some rounds that do not count; `before` each, untimed, what it needs.

    The order is reversed every other round, so that no case always runs on a cache that another one warmed.
    The clock `processor` counts what all threads of the process compute and not what they wait for, such as a core that
    something else has taken: for cases beside which the process does nothing else. Qt paints in threads of its own.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    names = list(cases)
    now = time.process_time if clock == "processor" else time.perf_counter
    for number in range(-warmup, rounds):
        gc.collect()
        for name in names if number % 2 else reversed(names):
            before()
            start = now()
            cases[name]()
            seconds = now() - start
            if number >= 0:
                found[name].append(seconds)
        progress(max(0, number + 1), rounds)
    return Timings({name: tuple(values) for name, values in found.items()})
