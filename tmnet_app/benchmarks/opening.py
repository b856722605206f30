"""From what a person does to the picture on the screen: opening a file, pausing, seeking, stepping.

The network, which has been loaded, is a stand-in of 10 ms; the idle baseline is painting the present picture anew.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop

from tmnet_app.benchmarks.stand_in_window import WAIT_SECONDS, WINDOW_SIZE, StandIn, run_events, wait_until
from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.sources import write_pattern
from tmnet_core.live.sources.remote import ReaderPool

OPEN_AIM, MOVE_AIM = 300, 100  # milliseconds
_FRAMES = 300
_AIMS = {"open": OPEN_AIM, "pause": MOVE_AIM, "seek": MOVE_AIM, "step": MOVE_AIM}
_WORDS = {
    "open": "from opening a 240p file to its first glance on the screen",
    "pause": "from pause to the picture that stands",
    "seek": "from a seek to the frame asked for, looked at",
    "step": "from a step to the next frame, looked at",
}
_SETTLE = 0.3


def measure_opening(rounds: int) -> list[Figure]:
    """Return each wait over that for painting the present picture anew, with the aims that the project has."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [write_pattern(Path(folder) / f"{name}.mp4", 320, 240, _FRAMES) for name in "ab"]
        readers = ReaderPool()
        readers.prepare()
        window = MainWindow(LiveSession(lambda path: StandIn(WAIT_SECONDS), readers.open))
        window.resize(*WINDOW_SIZE)
        window.show()
        window.session.start()
        window.prepare_graphs()
        window.opener.open_checkpoint("stand-in")
        wait_until(lambda: window.session.model is not None)
        waits = _Waits(window)
        for number in range(-1, rounds):
            waits.go_round(paths[number % 2], number)
        window.close()
        readers.close()
    timings = Timings({name: tuple(values[1:]) for name, values in waits.seconds.items()})
    return [_figure(timings, name) for name in _AIMS]


class _Waits:
    """Does one thing after the other and keeps how long the screen took to follow."""

    def __init__(self, window: MainWindow) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in (*_AIMS, "idle")}
        self._window = window
        self._painted = False
        self._wanted: Callable[[], bool] = lambda: False
        self._loop = QEventLoop()
        window.stage.painted.connect(self._on_painted)

    def go_round(self, path: Path, number: int) -> None:
        """Open a file, then pause, seek, step and idle in it."""
        session = self._window.session
        self._time(
            "open",
            lambda: session.playback.open(path),
            lambda: session.playback.source == str(path) and self._looked_at(),
        )
        run_events(_SETTLE)
        self._time("pause", session.playback.pause, lambda: session.moment is not None and session.moment.still)
        run_events(_SETTLE)
        target = 40 + 37 * (number + 1) % 200
        self._time("seek", lambda: session.playback.seek(target), lambda: self._shows(target))
        run_events(_SETTLE)
        self._time("step", lambda: session.playback.step(1), lambda: self._shows(target + 1))
        run_events(_SETTLE)
        self._time("idle", session.show_again, lambda: True)

    def _time(self, name: str, act: Callable[[], object], there: Callable[[], bool]) -> None:
        self._wanted = there
        start = time.perf_counter()
        act()
        self._loop.exec()
        self.seconds[name].append(time.perf_counter() - start)
        self._wanted = lambda: False

    def _on_painted(self, captured: float) -> None:
        if self._wanted():
            self._loop.quit()

    def _looked_at(self) -> bool:
        moment = self._window.session.moment
        return moment is not None and moment.glance is not None

    def _shows(self, index: int) -> bool:
        moment = self._window.session.moment
        return self._looked_at() and moment is not None and moment.frame.index == index


def _figure(timings: Timings, name: str) -> Figure:
    return Figure(
        what=f"{_WORDS[name]} / painting anew",
        value=timings.ratio(name, "idle"),
        spread=timings.ratio_spread(name, "idle"),
        detail=(f"{1e3 * timings.median(name):.0f} ms / {1e3 * timings.median('idle'):.0f} ms, aim {_AIMS[name]} ms"),
    )
