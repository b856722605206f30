"""Cameras, by number or name."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.opencv import cv2

if TYPE_CHECKING:
    from cv2.typing import MatLike

_CAMERA_SYSTEM = {"win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION, "linux": cv2.CAP_V4L2}
_CAMERA_API = _CAMERA_SYSTEM.get(sys.platform, cv2.CAP_ANY)


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera of this computer: the number that opens it and what it calls itself."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What to ask a camera for; None leaves it to the camera.

    Attributes:
        size: width and height in pixels.
        fps: frames per second.
        format: four letters that name the pixel format, such as MJPG.
    """

    size: tuple[int, int] | None = None
    fps: float | None = None
    format: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `size=1280x720&fps=30&format=MJPG`, each part optional; SourceError."""
        size = fps = format_ = None
        for key, value in parse_qsl(text, keep_blank_values=True):
            if key == "size" and (sides := re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)):
                size = int(sides[1]), int(sides[2])
            elif key == "fps" and re.fullmatch(r"\d{1,3}(\.\d+)?", value):
                fps = float(value)
            elif key == "format" and re.fullmatch(r"[\x21-\x7e]{4}", value):
                format_ = value
            else:
                raise SourceError(
                    f"A camera cannot be asked for {key}={value}; say size=1280x720, fps=30, format=MJPG."
                )
        return cls(size, fps, format_)

    def ask(self, capture: cv2.VideoCapture) -> None:
        """Set the camera to this mode, as far as it goes along."""
        # The format first: many cameras have their large sizes in a compressed one alone.
        if self.format:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self.format))
        if self.size:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self.size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self.size[1])
        if self.fps:
            capture.set(cv2.CAP_PROP_FPS, self.fps)


class CameraSource(FrameSource):
    """A camera, as `camera:0` or `camera:NAME`, and optionally the mode to ask for after a question mark."""

    live = True
    stands_still = False

    def __init__(self, spec: str) -> None:
        which, _, mode = spec.removeprefix("camera:").partition("?")
        wanted = CameraMode.parse(mode)
        found = _find(which)
        self.title = found.name if found else f"Camera {which}"
        self._called = f"Camera {which}"
        index = found.index if found else int(which)
        self._capture, picture = _open_camera(index, self._called, wanted, known=found is not None)
        self._started: float | None = None
        self._reads = 0
        self.height, self.width = picture.shape[:2]
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or None
        self.gives = self._describe(wanted)

    def read(self) -> Frame | None:
        """Wait for the next picture; SourceLostError once the camera gives none."""
        ok, picture = self._capture.read()
        now = time.perf_counter()
        if not ok:
            raise SourceLostError(f"{self._called} gives no picture any more: it may have been unplugged.")
        if self._started is None:
            self._started = now
        self.height, self.width = picture.shape[:2]
        image = self.allocate(self.height, self.width)
        cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=image)
        self._reads += 1
        return Frame(image, self._reads - 1, now - self._started, now)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _describe(self, wanted: CameraMode) -> str:
        """Say what the camera really gives, and what of it is not what was asked for."""
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        format_ = "".join(chr(code >> 8 * place & 255) for place in range(4)) if code > 0 else ""
        words = [f"{self.width}×{self.height}", *([f"{self.fps:g} fps"] if self.fps else []), *format_.split()]
        missed = []
        if wanted.size and wanted.size != (self.width, self.height):
            missed.append(f"{wanted.size[0]}×{wanted.size[1]}")
        if wanted.fps and self.fps and abs(wanted.fps - self.fps) > 0.5:
            missed.append(f"{wanted.fps:g} fps")
        if wanted.format and format_ and wanted.format != format_:
            missed.append(wanted.format)
        return " · ".join(words) + (f" (not {', '.join(missed)} as asked)" if missed else "")


def list_cameras() -> list[CameraInfo]:
    """Return the cameras that this computer knows of."""
    import cv2_enumerate_cameras

    if _CAMERA_API not in cv2_enumerate_cameras.supported_backends:
        return []
    return [CameraInfo(camera.index, camera.name) for camera in cv2_enumerate_cameras.enumerate_cameras(_CAMERA_API)]


def _find(which: str) -> CameraInfo | None:
    """Return the camera with this number or name; SourceError where a name is unknown."""
    cameras = list_cameras()
    if which.isdecimal():
        return next((camera for camera in cameras if camera.index == int(which)), None)
    # By its name a camera is found again after it was plugged into another socket.
    named = next((camera for camera in cameras if camera.name == which), None)
    if named is None:
        known = ", ".join(camera.name for camera in cameras) or "none is plugged in"
        raise SourceError(f"There is no camera {which!r}: {known}.")
    return named


def _open_camera(index: int, called: str, wanted: CameraMode, *, known: bool) -> tuple[cv2.VideoCapture, MatLike]:
    """Return the camera and its first picture, which shows that it works and what size it gives."""
    with _quiet_opencv():
        capture = cv2.VideoCapture(index, _CAMERA_API)
        wanted.ask(capture)
        ok, picture = capture.read()
        if ok:
            return capture, picture
        opened = capture.isOpened()
        capture.release()
    if known or opened:
        raise SourceError(f"{called} is in use by another program or gives no picture.")
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
