"""The window's memory over a long time in which sources and networks change."""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from PySide6.QtCore import QObject, QTimer

from tmnet_app.benchmarks.stand_in_window import open_window, run_events, wait_until, write_video
from tmnet_app.live_session import DISPLAY_HZ
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.live.sources.remote import ReaderPool

MEMORY_REACH = 1.03
_PARTS = 10
_DISTURBED_EVERY = 2.0
_SETTLE = 3.0
# Where frames are counted, not minutes: how often the window shows one, how long its network waits.
_HURRIED_HZ = 125
_HURRIED_WAIT = 0.001
_LONGEST = 3600.0


class Disturber(QObject):
    """Goes elsewhere in the video, opens another source or loads another network, every two seconds at random."""

    def __init__(self, window: MainWindow, sources: list[str], seed: int = 0) -> None:
        super().__init__(window)
        self.done = {"seek": 0, "source": 0, "network": 0}
        self._session = window.session
        self._sources = sources
        self._random = random.Random(seed)
        self._timer = QTimer(self, interval=round(1000 * _DISTURBED_EVERY))
        self._timer.timeout.connect(self._disturb)
        self._timer.start()

    def calm(self) -> None:
        """Leave the window alone until nothing is being opened, so that it can be counted what there is."""
        self._timer.stop()
        wait_until(lambda: not self._session.playback.opening and not self._session.loading)
        run_events(_SETTLE)

    def go_on(self) -> None:
        """Disturb again."""
        self._timer.start()

    def _disturb(self) -> None:
        what = self._random.choice(list(self.done))
        self.done[what] += 1
        if what == "seek":
            self._session.playback.seek(self._random.randrange(self._session.playback.frame_count or 1))
        elif what == "source":
            self._session.playback.open(self._random.choice(self._sources))
        else:
            self._session.load_checkpoint("stand-in")


class Lateness(QObject):
    """How much later than they should the session's ticks come, in seconds."""

    def __init__(self, window: MainWindow, display_hz: float) -> None:
        super().__init__(window)
        self._before = time.perf_counter()
        self._due = 1 / display_hz
        self._late: list[float] = []
        window.session.ticked.connect(self._on_tick)

    def take(self) -> float:
        """Return the median since the last time."""
        late, self._late = self._late, []
        return statistics.median(late)

    def _on_tick(self, now: float) -> None:
        self._late.append(abs(now - self._before - self._due))
        self._before = now


def measure_soak(minutes: float, frames: int = 0) -> list[Figure]:
    """Return how memory, objects, handles and the timer's lateness at the end compare with a tenth of the time.

    A looping video plays in a process of its own all along. Ten minutes are what the project's reach is set for.
    With `frames` the soak lasts until so many were painted, which go by as fast as they can.
    """
    process = psutil.Process()
    display_hz = _HURRIED_HZ if frames else DISPLAY_HZ
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        video = write_video(Path(folder))
        readers = ReaderPool()
        window, model, counter = open_window(video, readers.open, display_hz=display_hz)
        if frames:
            window.session.playback.set_speed(0.0)
            window.session.set_every_frame(True)  # so that no frame is read in vain
            model.wait = _HURRIED_WAIT
        disturber = Disturber(window, [str(video), "pattern:320x240@30", "pattern:640x480@30"])
        lateness = Lateness(window, display_hz)

        def pass_a_part(number: int) -> None:
            if frames:
                counter.wait_for(frames * number // _PARTS, timeout=_LONGEST)
            else:
                run_events(60.0 * minutes / _PARTS)

        pass_a_part(1)
        disturber.calm()
        before, objects_before, handles_before = _resident(process), _count_objects(), _count_handles(process)
        threads_before, painted = threading.active_count(), counter.count
        late_before, references_before = lateness.take(), _references()
        disturber.go_on()
        curve = [before]
        for number in range(2, _PARTS + 1):
            pass_a_part(number)
            curve.append(_resident(process))
        disturber.calm()
        late, handles = lateness.take(), _count_handles(process)
        objects, references = _count_objects(), _references()
        threads, all_painted, painted = threading.active_count(), counter.count, counter.count - painted
        window.close()
        readers.close()
    minutes = (time.perf_counter() - started) / 60
    changes = ", ".join(f"{count} × {what}" for what, count in disturber.done.items())
    mebibytes = " ".join(f"{size / 2**20:.0f}" for size in curve)
    return [
        Figure(
            what="resident memory: peak / after the first tenth",
            value=max(curve) / before,
            limit=f"<= {MEMORY_REACH}",
            detail=f"MiB after each tenth: {mebibytes}; {all_painted} paints, {minutes:.1f} min, {changes}",
        ),
        Figure(
            what="live Python objects: end / after the first tenth",
            value=objects / objects_before,
            limit="<= 1.01",
            detail=f"{objects_before} to {objects}, threads {threads_before} to {threads}",
        ),
        Figure(
            what="open handles: end / after the first tenth",
            value=handles / handles_before,
            limit="<= 1.05",
            detail=f"{handles_before} to {handles}",
        ),
        Figure(
            what="lateness of the window's timer: median over the rest / over the first tenth",
            value=late / late_before,
            limit="<= 1.5",
            detail=f"{1e3 * late:.2f} ms / {1e3 * late_before:.2f} ms",
        ),
        Figure(
            what="references to None and True: end - after the first tenth, lost or gained, per paint",
            value=abs(references - references_before) / max(1, painted),
            limit="< 0.01",
            detail=f"{references_before} to {references}",
        ),
    ]


def _resident(process: psutil.Process) -> int:
    gc.collect()
    return int(process.memory_info().rss)


def _count_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _count_handles(process: psutil.Process) -> int:
    gc.collect()
    return int(process.num_handles() if sys.platform == "win32" else process.num_fds())


def _references() -> int:
    """Return the references to objects of which a faulty binding loses or leaks one at every signal or paint.

    PySide 6.11 leaks one to None for each virtual method that is called of each Qt object made in Python
    (`tests/test_hazards.py`), such as a picture that a graph's axis is painted into. It holds no memory.
    """
    return sys.getrefcount(None) + sys.getrefcount(True)
