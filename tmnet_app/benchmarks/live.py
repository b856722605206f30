"""The window's held glance rate beside the network alone."""

from __future__ import annotations

import os
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
    PaintCounter,
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
from tmnet_core.live.sources import VideoFileSource
from tmnet_core.models.branch import Branch

# By how long the stand-in waits, in milliseconds.
REACH = {10: 0.97, 3: 0.92, 1: 0.80}
LARGE_SIZE = (1280, 720)
LARGE_REACH = 0.85
TOOLS_REACH = 0.85
_LARGE_WAIT = 10


def measure_live(rounds: int, seconds: float) -> list[Figure]:
    """Return the window's held glance rate over that of stand-ins alone, in turns of `seconds`, and what tools cost.

    At 720p it is set beside the slower of stand-in and decoder, which work side by side on two cores.
    """
    with tempfile.TemporaryDirectory() as folder:
        window, model, counter = open_window(write_video(Path(folder)))
        window.session.playback.set_speed(0.0)  # as many frames as the source can give
        run_events(1.0)
        figures = [_small(window, model, counter, wait, rounds, seconds) for wait in REACH]
        window.close()
        figures.append(_large(write_video(Path(folder), LARGE_SIZE), rounds, seconds))
    return [*figures, _measure_tools(rounds, seconds), *measure_painting(rounds)]


def _small(window: MainWindow, model: StandIn, counter: PaintCounter, wait: int, rounds: int, seconds: float) -> Figure:
    model.wait = wait / 1e3
    alone_rates, held_rates = [], []
    painted = 0
    for _ in range(rounds):
        window.session.playback.pause()
        alone_rates.append(_rate_alone(model, seconds))
        window.session.playback.play()
        run_events(0.5)
        before = counter.count
        held_rates.append(_held_rate(window, model, seconds))
        painted += counter.count - before
    what = f"the window's glance rate / the {wait} ms stand-in alone"
    shown = f"320×240, painted {painted / (rounds * seconds):.0f} times a second"
    return _figure(what, held_rates, alone_rates, REACH[wait], shown)


def _large(video: Path, rounds: int, seconds: float) -> Figure:
    window, model, _ = open_window(video)
    model.wait = _LARGE_WAIT / 1e3
    window.session.playback.set_speed(0.0)
    run_events(1.0)
    possible, held_rates = [], []
    for _ in range(rounds):
        window.session.playback.pause()
        possible.append(min(_rate_alone(model, seconds), _decoding_rate(video, seconds)))
        window.session.playback.play()
        run_events(0.5)
        held_rates.append(_held_rate(window, model, seconds))
    window.close()
    what = f"the window's glance rate / the slower of the {_LARGE_WAIT} ms stand-in and decoding alone"
    return _figure(what, held_rates, possible, LARGE_REACH, f"1280×720, {os.cpu_count()} cores")


def _measure_tools(rounds: int, seconds: float) -> Figure:
    """Return the glance rate with everything on that looks closer over the plain one, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        window, model, _ = open_window(write_video(Path(folder)))
        window.session.playback.set_speed(0.0)
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


def _figure(what: str, held: list[float], possible: list[float], reach: float, shown: str) -> Figure:
    ratios = [rate / limit for rate, limit in zip(held, possible, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return Figure(
        what=what,
        value=statistics.median(ratios),
        spread=(low, high),
        limit=f">= {reach:.2f}",
        detail=f"{statistics.median(held):.1f}/s / {statistics.median(possible):.1f}/s, {shown}",
    )


def _rate_alone(model: StandIn, seconds: float) -> float:
    """Return how often a second the network alone can look at one frame after another."""
    frame = Frame(np.zeros((VIDEO_SIZE[1], VIDEO_SIZE[0], 3), np.uint8), 0, 0.0, 0.0)
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        model.glance(frame)
        count += 1
    return count / elapsed


def _decoding_rate(video: Path, seconds: float) -> float:
    """Return how many frames a second the file can be read at, over and over."""
    source = VideoFileSource(video)
    start, count = time.perf_counter(), 0
    try:
        while (elapsed := time.perf_counter() - start) < seconds:
            if source.read() is None:
                source.seek(0)
            else:
                count += 1
    finally:
        source.close()
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
