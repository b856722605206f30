"""What the window costs: its held glance rate beside the network alone, and its memory over a long time.

Run as `python -m tmnet_app.benchmark live|soak --json FILE`; `tmnet bench --live` and `--soak` do so. In place of the
network stands one that waits with the interpreter lock released, as a GPU does.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import psutil
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import AppFigures
from tmnet_core.checkpoint import CheckpointHeader, Provenance
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Crop, Preprocessing
from tmnet_core.files import replacing
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.models.branch import Branch

WAIT_SECONDS = 0.010
VIDEO_SIZE = (320, 240)
VIDEO_FRAMES = 300
WINDOW_SIZE = (1280, 800)
CLASSES = [f"class {number}" for number in range(21)]
HELD_RATE_REACH = 0.90
MEMORY_REACH = 1.03


class StandIn:
    """In place of a network: waits with the interpreter lock released, then gives fixed answers and maps."""

    engine = "stand-in"
    classes = CLASSES
    branches = tuple(Branch)

    def __init__(self, wait: float) -> None:
        rng = np.random.default_rng(0)
        self._wait = wait
        self._probabilities = rng.dirichlet(np.ones(len(CLASSES))).astype(np.float32)
        self._maps = rng.random((len(CLASSES), 7, 7), np.float32)
        self.header = CheckpointHeader(
            model=ModelConfig(),
            classes=CLASSES,
            preprocessing=Preprocessing(),
            provenance=Provenance(tmnet="", torch="", seed=0, created=""),
        )

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Wait, then answer."""
        time.sleep(self._wait)
        height, width = frame.image.shape[:2]
        return Glance(
            frame,
            self.header.preprocessing.place(width, height, mirror=mirror),
            dict.fromkeys(Branch, self._probabilities),
            {Branch.RB: self._maps, Branch.CB: self._maps},
            {},
            time.perf_counter(),
        )


class PaintCounter(QObject):
    """Counts real paint events: a window that was closed looks fast, since it no longer draws."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return False


def measure_live(rounds: int, seconds: float) -> list[Figure]:
    """Return the window's held glance rate over that of the stand-in alone, in turns of `seconds` each."""
    with tempfile.TemporaryDirectory() as folder:
        window, model, counter = _open_window(_write_video(Path(folder)))
        window.session.set_speed(0.0)  # as many frames as the source can give
        _run_events(1.0)
        ratios, alone_rates, held_rates = [], [], []
        for _ in range(rounds):
            window.session.pause()
            alone = _rate_alone(model, seconds)
            window.session.play()
            _run_events(0.5)
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


def measure_soak(minutes: float) -> list[Figure]:
    """Return the resident memory at the end over that after a tenth of the time, and the drift of object counts.

    A looping video plays all along. Ten minutes are what the project's reach is set for.
    """
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        window, _, counter = _open_window(_write_video(Path(folder)))
        _run_events(60.0 * minutes / 10)
        before, objects_before = _resident(process), _count_objects()
        threads_before, painted = threading.active_count(), counter.count
        references_before = _references()
        peak = before
        for _ in range(9):
            _run_events(60.0 * minutes / 10)
            peak = max(peak, _resident(process))
        objects, references = _count_objects(), _references()
        threads, painted = threading.active_count(), counter.count - painted
        window.close()
    detail = f"{before / 2**20:.1f} MiB to at most {peak / 2**20:.1f} MiB, {painted} paints, {minutes:g} min"
    return [
        Figure(
            what="resident memory: peak / after the first tenth",
            value=peak / before,
            limit=f"<= {MEMORY_REACH}",
            detail=detail,
        ),
        Figure(
            what="live Python objects: end / after the first tenth",
            value=objects / objects_before,
            limit="<= 1.01",
            detail=f"{objects_before} to {objects}, threads {threads_before} to {threads}",
        ),
        Figure(
            what="references to None and True: end - after the first tenth, per paint",
            value=(references - references_before) / max(1, painted),
            limit="< 0.01",
            detail=f"{references_before} to {references}",
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for and write the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tmnet_app.benchmark", description=__doc__)
    parser.add_argument("what", choices=("live", "soak"))
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5, help="turns of the window and the network alone")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak")
    options = parser.parse_args(arguments)
    app = QApplication.instance() or QApplication(["tmnet-benchmark"])
    live = options.what == "live"
    figures = measure_live(options.rounds, options.seconds) if live else measure_soak(options.minutes)
    with replacing(options.json) as temporary:
        temporary.write_text(AppFigures(figures=figures).model_dump_json(), encoding="utf-8")
    del app
    return 0


def _open_window(video: Path) -> tuple[MainWindow, StandIn, PaintCounter]:
    model = StandIn(WAIT_SECONDS)
    window = MainWindow(LiveSession(lambda path: model))
    window.resize(*WINDOW_SIZE)
    counter = PaintCounter(window.stage.panes["input"].view)
    window.show()
    window.session.start()
    window.prepare_graphs()
    window.opener.open_checkpoint("stand-in")
    window.opener.open_source(str(video))
    window.session.set_loop(True)
    _wait_until(lambda: window.session.moment is not None and window.session.moment.glance is not None)
    return window, model, counter


def _write_video(folder: Path) -> Path:
    """Write ten seconds of moving noise at 30 frames a second."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (VIDEO_SIZE[1], VIDEO_SIZE[0], 3), np.uint8)
    path = folder / "noise.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height = VIDEO_SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(VIDEO_FRAMES):
            moved = np.ascontiguousarray(np.roll(picture, 2 * number, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return path


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
    _run_events(seconds)
    rate = count / (time.perf_counter() - start)
    del model.glance
    return rate


def _run_events(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def _wait_until(done: Callable[[], bool], timeout: float = 30.0) -> None:
    deadline = time.perf_counter() + timeout
    while not done():
        if time.perf_counter() > deadline:
            raise TimeoutError("the window did not show a first glance")
        _run_events(0.05)


def _resident(process: psutil.Process) -> int:
    gc.collect()
    return int(process.memory_info().rss)


def _count_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _references() -> int:
    """Return the references to objects that a faulty binding leaks at every signal or paint."""
    return sys.getrefcount(None) + sys.getrefcount(True)


if __name__ == "__main__":
    sys.exit(main())
