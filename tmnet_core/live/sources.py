"""Where frames come from: video files and cameras behind one interface."""

from __future__ import annotations

import re
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.data.decoding import VideoReader
from tmnet_core.errors import SourceError
from tmnet_core.live.frames import Frame
from tmnet_core.opencv import cv2

if TYPE_CHECKING:
    from cv2.typing import MatLike

_CAMERA_SYSTEM = {"win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION, "linux": cv2.CAP_V4L2}
_CAMERA_API = _CAMERA_SYSTEM.get(sys.platform, cv2.CAP_ANY)


class FrameSource(ABC):
    """Hands out frames one by one; for use by one thread at a time.

    Attributes:
        title: what to call it on the screen.
        live: frames come when they come, and cannot be gone back to.
        width: pixels.
        height: pixels.
        fps: frames per second on average, None if it is not known.
        times: presentation time of each frame in seconds, ascending from 0; empty when live.
    """

    title: str
    live: bool
    width: int
    height: int
    fps: float | None
    times: Sequence[float] = ()

    @property
    def frames(self) -> int | None:
        """How many frames there are; None for a live source, which does not end."""
        return None if self.live else len(self.times)

    @abstractmethod
    def read(self) -> Frame | None:
        """Return the next frame, waiting for it if live; None after the last. SourceError if there is none to get."""

    def seek(self, index: int) -> None:
        """Make this frame the next to be read; SourceError if the source is live."""
        raise SourceError(f"{self.title} is live, so there is no going to frame {index}.")

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or device; may be called again."""


class VideoFileSource(FrameSource):
    """A video file; damaged frames are passed over."""

    live = False

    def __init__(self, path: str | Path) -> None:
        self._reader = VideoReader(path)
        info = self._reader.info
        self.title = info.path.name
        self.width, self.height, self.fps = info.width, info.height, info.fps
        self.times = self._reader.times

    def read(self) -> Frame | None:
        """Return the next frame; None after the last."""
        got = self._reader.read()
        if got is None:
            return None
        index, seconds, image = got
        return Frame(image, index, seconds, time.perf_counter())

    def seek(self, index: int) -> None:
        """Make this frame the next to be read; IndexError if the file has none such."""
        self._reader.seek(index)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class CameraSource(FrameSource):
    """A camera, by its number from 0."""

    live = True

    def __init__(self, index: int) -> None:
        name = next((camera.name for camera in list_cameras() if camera.index == index), None)
        self.title = name or f"Camera {index}"
        self._index = index
        self._capture, picture = _open_camera(index, known=name is not None)
        self._started: float | None = None
        self._reads = 0
        self.height, self.width = picture.shape[:2]
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or None

    def read(self) -> Frame | None:
        """Wait for the next picture; SourceError once the camera gives none."""
        ok, picture = self._capture.read()
        now = time.perf_counter()
        if not ok:
            raise SourceError(f"Camera {self._index} gives no picture any more: it may have been unplugged.")
        if self._started is None:
            self._started = now
        image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        self.height, self.width = image.shape[:2]
        self._reads += 1
        return Frame(image, self._reads - 1, now - self._started, now)  # type: ignore[arg-type]

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera of this computer: the number that opens it and what it calls itself."""

    index: int
    name: str


def list_cameras() -> list[CameraInfo]:
    """Return the cameras that this computer knows of."""
    import cv2_enumerate_cameras

    if _CAMERA_API not in cv2_enumerate_cameras.supported_backends:
        return []
    return [CameraInfo(camera.index, camera.name) for camera in cv2_enumerate_cameras.enumerate_cameras(_CAMERA_API)]


def open_source(spec: str | Path) -> FrameSource:
    """Open a video file by its path, or a camera as `camera:0`; SourceError."""
    camera = re.fullmatch(r"camera:(\d+)", str(spec))
    return CameraSource(int(camera[1])) if camera else VideoFileSource(spec)


def _open_camera(index: int, *, known: bool) -> tuple[cv2.VideoCapture, MatLike]:
    """Return the camera and its first picture, which shows that it works and what size it gives."""
    with _quiet_opencv():
        capture = cv2.VideoCapture(index, _CAMERA_API)
        ok, picture = capture.read()
        if ok:
            return capture, picture
        opened = capture.isOpened()
        capture.release()
    if known or opened:
        raise SourceError(f"Camera {index} is in use by another program or gives no picture.")
    raise SourceError(f"There is no camera {index}.")


_log_level = threading.Lock()


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing to the terminal what the caller says in one sentence."""
    logging = cv2.utils.logging
    with _log_level:
        level = logging.getLogLevel()
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
        try:
            yield
        finally:
            logging.setLogLevel(level)
