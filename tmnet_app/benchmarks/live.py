"""The window's held glance rate beside the network alone."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from tmnet_app.benchmarks.stand_in_window import VIDEO_SIZE, WAIT_SECONDS, StandIn, open_window, run_events, write_video
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.data.preprocessing import Crop
from tmnet_core.live.frames import Frame, Glance

HELD_RATE_REACH = 0.90


def measure_live(rounds: int, seconds: float) -> list[Figure]:
    """Return the window's held glance rate over that of the stand-in alone, in turns of `seconds` each."""
    with tempfile.TemporaryDirectory() as folder:
        window, model, counter = open_window(write_video(Path(folder)))
        window.session.set_speed(0.0)  # as many frames as the source can give
        run_events(1.0)
        ratios, alone_rates, held_rates = [], [], []
        for _ in range(rounds):
            window.session.pause()
            alone = _rate_alone(model, seconds)
            window.session.play()
            run_events(0.5)
            painted = counter.count
            held = _held_rate(window, model, seconds)
            painted_rate = (counter.count - painted) / seconds
            ratios.append(held / alone)
            alone_rates.append(alone)
            held_rates.append(held)
        window.close()
    low, _, high = statistics.quantiles(ratios, n=4)
    detail = (
        f"{statistics.median(held_rates):.1f}/s / {statistics.median(alone_rates):.1f}/s, "
        f"320×240, painted {painted_rate:.0f} times a second"
    )
    what = f"the window's glance rate / the {1e3 * WAIT_SECONDS:.0f} ms stand-in alone"
    return [
        Figure(
            what=what,
            value=statistics.median(ratios),
            spread=(low, high),
            limit=f">= {HELD_RATE_REACH:.2f}",
            detail=detail,
        )
    ]


def _rate_alone(model: StandIn, seconds: float) -> float:
    """Return how often a second the network alone can look at one frame after another."""
    frame = Frame(np.zeros((VIDEO_SIZE[1], VIDEO_SIZE[0], 3), np.uint8), 0, 0.0, 0.0)
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        model.glance(frame)
        count += 1
    return count / elapsed


def _held_rate(window: MainWindow, model: StandIn, seconds: float) -> float:
    """Return how often a second the window's glance thread finishes a glance."""
    count = 0
    glance = model.glance

    def counted(frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        nonlocal count
        count += 1
        return glance(frame, mirror=mirror, crop=crop)

    model.glance = counted  # type: ignore[method-assign]
    start = time.perf_counter()
    run_events(seconds)
    rate = count / (time.perf_counter() - start)
    del model.glance
    return rate
