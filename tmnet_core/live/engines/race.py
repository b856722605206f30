"""Which of two engines is faster here: it depends on the network and on the processor."""

from __future__ import annotations

import time
from statistics import median
from threading import Event

import numpy as np

from tmnet_core.live.engines.engine import Engine

_ROUNDS = 11
# What another run of the same race may find to be the other way round is no reason to change.
_CLEARLY = 0.95


def is_faster(challenger: Engine, champion: Engine, size: int, cancelled: Event) -> bool | None:
    """Let two engines look in turn, and return whether one takes clearly less time; None once cancelled.

    The median of the rounds' ratios decides: whatever else the machine does in a round, it does to both.

    Args:
        challenger, champion: engines of one network; each looks once before it is timed.
        size: side of the network's input, in pixels.
        cancelled: looked at between two glances.
    """
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    ratios: list[float] = []
    for turn in range(1 + _ROUNDS):
        seconds: dict[Engine, float] = {}
        for engine in (challenger, champion) if turn % 2 else (champion, challenger):
            if cancelled.is_set():
                return None
            start = time.perf_counter()
            engine.look(image)
            seconds[engine] = time.perf_counter() - start
        ratios.append(seconds[challenger] / seconds[champion])
    return median(ratios[1:]) < _CLEARLY
