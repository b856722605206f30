"""Which of several engines is the fastest here: it depends on the network, the processor and its threads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from threading import Event

import numpy as np

from tmnet_core.live.engines.engine import Engine

_ROUNDS = 9


def fastest(engines: Mapping[str, Engine], size: int, cancelled: Event) -> str | None:
    """Let engines look in turn, and return the name of the one with the least median; None once cancelled.

    Whatever else the machine does meanwhile, it does to all of them.

    Args:
        engines: by name; each looks once before it is timed.
        size: side of the network's input, in pixels.
        cancelled: looked at between two glances.
    """
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(1 + _ROUNDS):
        for name, engine in engines.items():
            if cancelled.is_set():
                return None
            start = time.perf_counter()
            engine.look(image)
            seconds[name].append(time.perf_counter() - start)
    return min(seconds, key=lambda name: median(seconds[name][1:]))
