"""The window's held glance rate beside the network alone."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tmnet_app.benchmarks.painting import measure_painting
from tmnet_app.benchmarks.stand_in_window import (
    CLASSES,
    VIDEO_SIZE,
    WAIT_SECONDS,
    StandIn,
    open_window,
    run_events,
    write_video,
)
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.data.preprocessing import Crop, Image
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.models.branch import Branch

HELD_RATE_REACH = 0.90
TOOLS_REACH = 0.85


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
    tools = _measure_tools(rounds, seconds)
    what = f"the window's glance rate / the {1e3 * WAIT_SECONDS:.0f} ms stand-in alone"
    return [
        Figure(
            what=what,
            value=statistics.median(ratios),
            spread=(low, high),
            limit=f">= {HELD_RATE_REACH:.2f}",
            detail=detail,
        ),
        tools,
        *measure_painting(rounds),
    ]


def _measure_tools(rounds: int, seconds: float) -> Figure:
    """Return the glance rate with everything on that looks closer over the plain one, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        window, model, _ = open_window(write_video(Path(folder)))
        window.session.set_speed(0.0)
        run_events(1.0)
        ratios, plain_rates, rates = [], [], []
        for _ in range(rounds):
            _turn_tools(window, model, on=False)
            run_events(0.5)
            plain = _held_rate(window, model, seconds)
            _turn_tools(window, model, on=True)
            run_events(0.5)
            rate = _held_rate(window, model, seconds)
            ratios.append(rate / plain)
            plain_rates.append(plain)
            rates.append(rate)
        window.close()
    low, _, high = statistics.quantiles(ratios, n=4)
    return Figure(
        what="the window's glance rate with difference, contours, motion, clip and a live probe / without",
        value=statistics.median(ratios),
        spread=(low, high),
        limit=f">= {TOOLS_REACH:.2f}",
        detail=f"{statistics.median(rates):.1f}/s / {statistics.median(plain_rates):.1f}/s, 320×240",
    )


def _turn_tools(window: MainWindow, model: StandIn, *, on: bool) -> None:
    bench = window.workbench
    window.actions_by_name["timeline"].setChecked(False)
    settings = window.preferences.attention_views
    settings.third, settings.contour = ("difference", 0.5) if on else ("sum", 0.0)
    settings.smoothing = 0.2 if on else 0.0
    window.stage.set_attention(settings, visible=True)
    bench.closer_look.always = bench.probing.always = on
    bench.probing.clear()
    if on:
        model.look = _look  # type: ignore[attr-defined]
        bench.probing.region.stroke(0.5, 0.5, paint=True, begins=True)


def _look(images: Image, branches: Sequence[Branch], *, maps: bool) -> EngineOutputs:
    """Wait as for a glance, then answer for one image."""
    time.sleep(WAIT_SECONDS)
    values = np.full((len(images), len(CLASSES)), 1.0 / len(CLASSES), np.float32)
    return EngineOutputs(dict.fromkeys(branches, values), {}, {})


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
