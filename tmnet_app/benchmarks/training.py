"""The window while a run trains on all cores: how late its timers are, whether video keeps its rate, and its curves."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent

from tmnet_app.benchmarks.lateness import LatenessMeter
from tmnet_app.benchmarks.stand_in_window import open_window, wait_until, write_video
from tmnet_app.benchmarks.swaps import measure_swaps
from tmnet_app.training.curves import Curves
from tmnet_app.training.run_page import RunPage
from tmnet_app.training.run_watch import RunWatch
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import time_interleaved
from tmnet_core.config import Recipe, load_recipe
from tmnet_core.data.synthetic_people import write_dataset
from tmnet_core.training import launching
from tmnet_core.training.events import Started, Stepped, Validated
from tmnet_core.training.record import RunRecord
from tmnet_core.training.run_folder import RunFolder

LATENESS_REACH = 3.0
REDRAW_REACH = 2.0
VIDEO_FPS = 30.0
_CLIPS = 60
_START_SECONDS = 300.0


def measure_training(rounds: int, seconds: float) -> list[Figure]:
    """Return the window's lateness and displayed rate beside a run, what a swap of networks costs, the redraw ratio."""
    return [*_measure_beside_a_run(rounds, seconds), *measure_swaps(rounds, seconds), measure_redraw(4 * rounds)]


def measure_redraw(rounds: int) -> Figure:
    """Return the time to draw curves of 100,000 events over that of 1,000."""
    widgets = {count: _curves_of(count) for count in (1_000, 100_000)}

    def redraw(curves: Curves) -> Callable[[], None]:
        def draw() -> None:
            curves.redraw()
            curves.grab()

        return draw

    cases = {f"curves of {count:,} events": redraw(curves) for count, curves in widgets.items()}
    small, large = cases
    timings = time_interleaved(cases, rounds)
    for curves in widgets.values():
        curves.close()
        curves.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return ratio_figure(timings, large, small, f"<= {REDRAW_REACH:.1f}", what=f"redrawing {large} / {small}")


def _measure_beside_a_run(rounds: int, seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        window, _, counter = open_window(write_video(Path(folder)))
        window.session.playback.set_speed(1.0)
        run = RunFolder.create(Path(folder), _recipe(Path(folder) / "people"))
        page = RunPage(RunWatch(run, launching.launch(run)))
        page.resize(1180, 800)
        page.show()
        watch, meter = page.watch, LatenessMeter()
        late: dict[str, list[float]] = {"beside": [], "alone": []}
        rates: dict[str, list[float]] = {"beside": [], "alone": []}
        try:
            wait_until(lambda: watch.record.steps > 1, _START_SECONDS)
            for _ in range(rounds):
                for case, ask, state in (("alone", watch.pause, "paused"), ("beside", watch.go_on, "running")):
                    ask()
                    wait_until(lambda state=state: watch.standing.state == state, _START_SECONDS)  # type: ignore[misc]
                    painted = counter.count
                    start = time.perf_counter()
                    late[case].append(meter.measure(seconds))
                    rates[case].append((counter.count - painted) / (time.perf_counter() - start))
        finally:
            launching.cancel(run)
            watch.close()
            page.close()
            window.close()
    return [_lateness_figure(late), _rate_figure(rates)]


def _lateness_figure(late: dict[str, list[float]]) -> Figure:
    ratios = [beside / alone for beside, alone in zip(late["beside"], late["alone"], strict=True)]
    return _figure(
        "the window's timer lateness, 99th percentile: beside a run / with the run paused",
        ratios,
        f"<= {LATENESS_REACH:.1f}",
        f"{statistics.median(late['beside']):.2f} ms / {statistics.median(late['alone']):.2f} ms",
    )


def _rate_figure(rates: dict[str, list[float]]) -> Figure:
    return _figure(
        "video at 240p: displayed beside a run / its frame rate",
        [rate / VIDEO_FPS for rate in rates["beside"]],
        ">= 0.97",
        f"{statistics.median(rates['beside']):.1f}/s; {statistics.median(rates['alone']):.1f}/s with the run paused",
    )


def _figure(what: str, ratios: list[float], limit: str, detail: str) -> Figure:
    low, _, high = statistics.quantiles(ratios, n=4)
    return Figure(what=what, value=statistics.median(ratios), spread=(low, high), limit=limit, detail=detail)


def _recipe(data: Path) -> Recipe:
    """Write some clips and return a recipe that trains on them for longer than anybody measures."""
    write_dataset(data, _CLIPS, size=(160, 120))
    return load_recipe("quick", [f"data.root={str(data)!r}", "start.weights=none", "schedule.iterations=1000000"])


def _curves_of(events: int) -> Curves:
    record = RunRecord()
    rng = np.random.default_rng(0)
    noise = rng.normal(size=events)
    record.add(
        [
            Started(
                iteration=0,
                iterations=events,
                device="CPU",
                classes=2,
                clips=2,
                validation_clips=2,
                weights="none",
            ),
            *(_step(number, events, float(noise[number - 1])) for number in range(1, events + 1)),
            *(_validation(number * events // 20, number / 20) for number in range(1, 21)),
        ]
    )
    curves = Curves()
    curves.resize(900, 520)
    curves.show_records({"run": record})
    return curves


def _step(number: int, events: int, noise: float) -> Stepped:
    falling = math.exp(-3 * number / events) * (1 + 0.1 * noise)
    return Stepped(
        iteration=number,
        epoch=0,
        loss=2 * falling,
        classification_loss=1.5 * falling,
        regression_loss=0.5 * falling,
        learning_rate=0.01 * falling,
        clips_per_second=1.0,
    )


def _validation(iteration: int, top1: float) -> Validated:
    return Validated(
        iteration=iteration, metrics={branch: {"top1": top1} for branch in ("RB", "CB", "RB+CB")}, best=True
    )
