"""Lets each part of the window fail, again and again: it has to answer throughout, and be right afterwards."""

from __future__ import annotations

import errno
import gc
import threading
import time
from collections.abc import Callable

import psutil
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from tmnet_app.benchmarks.stand_in_window import WINDOW_SIZE, StandIn, run_events
from tmnet_app.faults import FaultWatch
from tmnet_app.live_session import LiveSession, Moment
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.robustness.report import StressRow
from tmnet_core.data.preprocessing import Crop
from tmnet_core.errors import SourceLostError
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.sources import FrameSource, PatternSource, open_source
from tmnet_core.live.sources.remote import ReaderPool

PATIENCE = 20.0
_WAIT = 0.002
_TURN = 0.01


class _Faults:
    """What is to fail next; each is consumed by the part that fails."""

    def __init__(self) -> None:
        self.armed = ""

    def strike(self, seam: str) -> bool:
        """Whether this part fails now."""
        if self.armed != seam:
            return False
        self.armed = ""
        return True


class _FailingSource(PatternSource):
    """The test pattern, lost or broken when it is told to be."""

    def __init__(self, faults: _Faults) -> None:
        super().__init__("pattern:160x120@60#65536")
        self._faults = faults

    def read(self) -> Frame | None:
        """Return the next frame, or fail."""
        if self._faults.strike("read"):
            raise SourceLostError("The disk was pulled out.")
        if self._faults.strike("decode"):
            raise ZeroDivisionError("a decoder that divides by zero")
        return super().read()


class _FailingModel(StandIn):
    """The stand-in, failing when it is told to."""

    def __init__(self, faults: _Faults) -> None:
        super().__init__(_WAIT)
        self._faults = faults

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Look, or fail."""
        if self._faults.strike("preprocess"):
            raise ValueError("a frame that cannot be cut")
        if self._faults.strike("memory"):
            raise MemoryError
        glance = super().glance(frame, mirror=mirror, crop=crop)
        if self._faults.strike("model"):
            raise RuntimeError("a kernel that cannot be launched")
        return glance


class FaultyWindow(QObject):
    """A window whose parts fail on request, and what it does meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.faults = _Faults()
        self.watch = FaultWatch(self)
        self.caught: list[str] = []
        self.watch.fault_caught.connect(lambda sentence, details: self.caught.append(sentence))
        self.pool = ReaderPool()
        self.window = MainWindow(LiveSession(self._load, self._open))
        self.session = self.window.session
        self.told: list[str] = []
        self.longest_gap = 0.0
        self._ticked = time.perf_counter()
        self.session.failed.connect(lambda sentence, details: self.told.append(sentence))
        self.session.ticked.connect(self._on_tick)
        self.session.add_viewer(self._draw)
        self.window.resize(*WINDOW_SIZE)

    def start(self) -> None:
        """Show it, playing and looking."""
        self.watch.install()
        self.window.show()
        self.session.start()
        self.session.load_checkpoint("stand-in")
        self.session.playback.open("here")
        self.wait(lambda: self.is_right(0.0))

    def close(self) -> None:
        """End everything."""
        self.window.close()
        self.pool.close()
        self.watch.remove()

    def is_right(self, since: float) -> bool:
        """Whether it plays, and has looked at a frame that was captured after `since`."""
        moment = self.session.moment
        if self.session.playback.state is not PlaybackState.PLAYING or moment is None or moment.glance is None:
            return False
        return moment.frame.captured > since and not self.session.playback.opening

    def wait_to_be_right(self) -> bool:
        """Wait until it plays again and has looked at a frame that was captured after this call."""
        now = time.perf_counter()
        return self.wait(lambda: self.session.loading == "" and self.is_right(now))

    def wait(self, done: Callable[[], bool]) -> bool:
        """Let the window live until something holds; False where it does not come to that."""
        deadline = time.perf_counter() + PATIENCE
        while not done():
            if time.perf_counter() > deadline:
                return False
            run_events(_TURN)
        return True

    def _load(self, path: str) -> StandIn:
        if self.faults.strike("disk"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return _FailingModel(self.faults)

    def _open(self, spec: str) -> FrameSource:
        if spec == "here":
            return _FailingSource(self.faults)
        return self.pool.open(spec) if spec.startswith("pattern") else open_source(spec)

    def _draw(self, moment: Moment) -> None:
        if self.faults.strike("draw"):
            raise AttributeError("a view that cannot paint")

    def _on_tick(self, now: float) -> None:
        self.longest_gap = max(self.longest_gap, now - self._ticked)
        self._ticked = now


def stress_window(cycles: int) -> list[StressRow]:
    """Let each part fail so often; a row a part, and one for what is left behind."""
    process = psutil.Process()
    faulty = FaultyWindow()
    faulty.start()
    rows = [_fail_in(faulty, seam, what, cycles) for seam, what in _SEAMS.items()]
    rows.append(_kill_readers(faulty, cycles))
    faulty.close()
    rows.append(_look_for_remains(process))
    return rows


_SEAMS = {
    "read": "a source that is lost",
    "decode": "an exception while decoding",
    "preprocess": "an exception while preprocessing",
    "model": "an exception of the network",
    "memory": "no memory for the network",
    "draw": "an exception while drawing",
    "disk": "a full disk while a checkpoint loads",
}


def _fail_in(faulty: FaultyWindow, seam: str, what: str, cycles: int) -> StressRow:
    row = StressRow(what=what, tried=cycles)
    waits = []
    faulty.longest_gap = 0.0
    for _ in range(cycles):
        faulty.told.clear()
        faulty.faults.armed = seam
        start = time.perf_counter()
        if seam == "disk":
            faulty.session.load_checkpoint("stand-in")
        noticed = faulty.wait(lambda: faulty.faults.armed == "")
        back = faulty.wait_to_be_right()
        waits.append(time.perf_counter() - start)
        if seam == "disk" and faulty.told != [
            "The checkpoint could not be loaded: [Errno 28] No space left on device."
        ]:
            row.failures.append(f"told {faulty.told}")
        elif noticed and back:
            row.count("right again")
        else:
            row.failures.append(f"noticed {noticed}, right again {back}: {faulty.session.playback.status}")
            faulty.faults.armed = ""
    return _conclude(row, faulty, waits)


def _kill_readers(faulty: FaultyWindow, cycles: int) -> StressRow:
    """Kill the process that reads, as a decoder that crashes does."""
    row = StressRow(what="a reader process that is killed", tried=cycles)
    waits: list[float] = []
    me = psutil.Process()
    before = {child.pid for child in me.children()}
    faulty.session.playback.open("pattern:160x120@60#65536")
    if not faulty.wait(lambda: faulty.session.playback.source.startswith("pattern") and faulty.is_right(0.0)):
        row.failures.append("a source in a process of its own does not open")
        return row
    faulty.longest_gap = 0.0
    for _ in range(cycles):
        start = time.perf_counter()
        for child in me.children():
            if child.pid not in before and "remote.child" in " ".join(child.cmdline()):
                child.kill()
        lost = faulty.wait(lambda: faulty.session.playback.state is PlaybackState.RECONNECTING)
        back = faulty.wait_to_be_right()
        waits.append(time.perf_counter() - start)
        if lost and back:
            row.count("replaced")
        else:
            row.failures.append(f"noticed {lost}, back {back}: {faulty.session.playback.status}")
    return _conclude(row, faulty, waits)


def _conclude(row: StressRow, faulty: FaultyWindow, waits: list[float]) -> StressRow:
    row.detail = f"right after at most {max(waits):.2f} s, the window's longest silence {faulty.longest_gap:.2f} s"
    return row


def _look_for_remains(process: psutil.Process) -> StressRow:
    """See what is left once everything was closed."""
    row = StressRow(what="left behind afterwards", tried=1)
    gc.collect()
    QApplication.processEvents()
    threads = [thread.name for thread in threading.enumerate() if thread.name.startswith(("player", "tmnet", "reader"))]
    readers = [child for child in process.children() if "remote.child" in " ".join(child.cmdline())]
    row.failures += [f"{name}: {found}" for name, found in (("threads", threads), ("readers", readers)) if found]
    row.count("nothing" if not row.failures else "something")
    return row
