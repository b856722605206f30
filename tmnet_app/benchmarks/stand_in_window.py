"""A window that looks at made video with a stand-in network, and the event loop around it.

In place of the network stands one that waits with the interpreter lock released, as a GPU does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import DISPLAY_HZ, LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_core.checkpoint import CheckpointHeader, Provenance
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Crop, Preprocessing
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glancer import GlanceModel
from tmnet_core.live.sources import FrameSource, open_source
from tmnet_core.models.branch import Branch
from tmnet_core.opencv import cv2

WAIT_SECONDS = 0.010
VIDEO_SIZE = (320, 240)
VIDEO_FRAMES = 300
WINDOW_SIZE = (1280, 800)
_CHANNELS = 1280
CLASSES = [f"class {number}" for number in range(21)]


class StandIn:
    """In place of a network: waits with the interpreter lock released, then gives fixed answers and maps.

    Attributes:
        wait: for how many seconds.
    """

    engine = "stand-in"
    classes = CLASSES
    branches = tuple(Branch)

    def __init__(self, wait: float) -> None:
        rng = np.random.default_rng(0)
        self.wait = wait
        self._probabilities = rng.dirichlet(np.ones(len(CLASSES))).astype(np.float32)
        self._maps = rng.random((len(CLASSES), 7, 7), np.float32)
        self._features = dict.fromkeys((Branch.RB, Branch.CB), rng.random(_CHANNELS, np.float32))
        self.header = CheckpointHeader(
            model=ModelConfig(),
            classes=CLASSES,
            preprocessing=Preprocessing(),
            provenance=Provenance(tmnet="", torch="", seed=0, created=""),
        )

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        """Wait, then answer."""
        time.sleep(self.wait)
        height, width = frame.image.shape[:2]
        return Glance(
            frame,
            self.header.preprocessing.place(width, height, mirror=mirror),
            dict.fromkeys(Branch, self._probabilities),
            {Branch.RB: self._maps, Branch.CB: self._maps},
            self._features,
            time.perf_counter(),
        )

    @property
    def preprocessing(self) -> Preprocessing:
        """What turns a frame into the network's input."""
        return self.header.preprocessing


class PaintCounter(QObject):
    """Counts real paint events: a window that was closed looks fast, since it no longer draws."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        self._awaited = 0
        self._loop = QEventLoop(self)
        widget.installEventFilter(self)

    def wait_for(self, count: int, timeout: float) -> None:
        """Let the window live until so many are counted; raises TimeoutError after so many seconds."""
        self._awaited = count
        if self.count < count:
            limit = QTimer(self, singleShot=True, interval=round(1000 * timeout))
            limit.timeout.connect(self._loop.quit)
            limit.start()
            self._loop.exec()
            limit.stop()
            limit.deleteLater()
        if self.count < count:
            raise TimeoutError(f"the window painted {self.count} frames of {count}")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102
        if event.type() == QEvent.Type.Paint:
            self.count += 1
            if self.count == self._awaited:
                self._loop.quit()
        return False


def open_window(
    video: Path, open_frames: Callable[[str], FrameSource] = open_source, *, display_hz: float = DISPLAY_HZ
) -> tuple[MainWindow, StandIn, PaintCounter]:
    """Open the window on a video, looping, with the stand-in at work; return what counts its paints too."""
    model = StandIn(WAIT_SECONDS)
    window = open_window_with(model, video, open_frames, display_hz=display_hz)
    return window, model, PaintCounter(window.stage.panes["input"].view)


def open_window_with(
    model: GlanceModel,
    video: Path,
    open_frames: Callable[[str], FrameSource] = open_source,
    *,
    display_hz: float = DISPLAY_HZ,
) -> MainWindow:
    """Open the window on a video, looping, with a network that has looked at a first frame."""
    window = MainWindow(LiveSession(lambda path: model, open_frames, display_hz=display_hz))
    window.resize(*WINDOW_SIZE)
    window.show()
    window.session.start()
    window.prepare_graphs()
    window.opener.open_checkpoint("stand-in")
    window.opener.open_source(str(video))
    window.session.playback.set_loop(True)
    wait_until(lambda: window.session.moment is not None and window.session.moment.glance is not None)
    return window


def write_video(folder: Path, size: tuple[int, int] = VIDEO_SIZE) -> Path:
    """Write ten seconds of moving noise at 30 frames a second; its grain is that of 320×240 at any size."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 255, (VIDEO_SIZE[1], VIDEO_SIZE[0], 3), np.uint8)
    picture = np.asarray(cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    path = folder / f"noise-{size[0]}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(VIDEO_FRAMES):
            moved = np.ascontiguousarray(np.roll(picture, 2 * number, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def run_events(seconds: float) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(done: Callable[[], bool], timeout: float = 30.0) -> None:
    """Let the window live until something holds; raises TimeoutError, since only a first glance is waited for."""
    deadline = time.perf_counter() + timeout
    while not done():
        if time.perf_counter() > deadline:
            raise TimeoutError("the window did not show a first glance")
        run_events(0.05)
