"""Whether the picture stutters when another network takes over, as each new best of a run that is watched does."""

from __future__ import annotations

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from tmnet_app.benchmarks.lateness import LatenessMeter
from tmnet_app.benchmarks.stand_in_window import WINDOW_SIZE, run_events, wait_until, write_video
from tmnet_app.demo import find_demo
from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.errors import TMNetError

GAP_REACH = 2.0
LATENESS_REACH = 3.0
_TAKE_OVER_SECONDS = 60.0


def measure_swaps(rounds: int, seconds: float) -> list[Figure]:
    """Return the longest gap between painted frames and the timers' lateness, with the network swapped and without.

    The demo's network is swapped, as following a run does it, once in each turn, for one like it that nothing has been
    found out about: the video's timeline is scanned anew.
    """
    demo = find_demo()
    if demo is None:
        raise TMNetError("swaps cannot be measured: this installation came without the demo")
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.safetensors"
        write_another(demo.checkpoint, best, 0)
        window = _open_window(best, write_video(Path(folder)))
        meter, intervals = LatenessMeter(), PaintIntervals(window.stage.panes["input"].view)
        gaps: dict[str, list[float]] = {"with": [], "without": []}
        late: dict[str, list[float]] = {"with": [], "without": []}
        try:
            for number in range(rounds):
                for case in ("with", "without"):
                    write_another(demo.checkpoint, best, number + 1)
                    intervals.begin()
                    if case == "with":
                        window.session.load_checkpoint(best, for_now=True)
                    late[case].append(meter.measure(seconds))
                    gaps[case].append(max(intervals.milliseconds))
                    # A machine under load may take longer than a turn; the next one shall not pay for it.
                    wait_until(lambda: not window.session.loading, _TAKE_OVER_SECONDS)
        finally:
            window.close()
    return [
        _figure("longest gap between painted frames", gaps, GAP_REACH),
        _figure("the window's timer lateness, 99th percentile", late, LATENESS_REACH),
    ]


def write_another(checkpoint: Path, out: Path, number: int) -> None:
    """Write a network that is told from others by this number."""
    from tmnet_core.checkpoint import load_checkpoint, save_checkpoint

    loaded = load_checkpoint(checkpoint)
    provenance = loaded.header.provenance.model_copy(update={"seed": number})
    save_checkpoint(out, loaded.model, loaded.header.model_copy(update={"provenance": provenance}))


class PaintIntervals(QObject):
    """Notes when a widget was painted.

    Attributes:
        milliseconds: between one painting and the next, since `begin`.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._times: list[float] = []
        widget.installEventFilter(self)

    def begin(self) -> None:
        """Forget what was noted."""
        self._times = [time.perf_counter()]

    @property
    def milliseconds(self) -> list[float]:  # noqa: D102
        return [1e3 * (later - earlier) for earlier, later in pairwise([*self._times, time.perf_counter()])]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102
        if event.type() == QEvent.Type.Paint:
            self._times.append(time.perf_counter())
        return False


def _open_window(checkpoint: Path, video: Path) -> MainWindow:
    window = MainWindow(LiveSession())
    window.resize(*WINDOW_SIZE)
    window.show()
    window.session.start()
    window.prepare_graphs()
    window.session.load_checkpoint(checkpoint, for_now=True)
    window.opener.open_source(str(video))
    window.session.playback.set_loop(True)
    wait_until(lambda: window.session.moment is not None and window.session.moment.glance is not None, 120.0)
    run_events(1.0)
    return window


def _figure(what: str, values: dict[str, list[float]], reach: float) -> Figure:
    ratios = [swapped / quiet for swapped, quiet in zip(values["with"], values["without"], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    medians = [statistics.median(values[case]) for case in ("with", "without")]
    return Figure(
        what=f"{what}: with the network swapped / without",
        value=statistics.median(ratios),
        spread=(low, high),
        limit=f"<= {reach:.1f}",
        detail=f"{medians[0]:.1f} ms / {medians[1]:.1f} ms, at most {max(values['with']):.0f} ms",
    )
