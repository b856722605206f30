"""What is on the screen."""

from __future__ import annotations

import os
import sys
import time

import av

from tmnet_core.data.conversion import PictureConverter
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource

FPS = 15


class ScreenSource(FrameSource):
    """The whole screen, fifteen times a second, with the pointer.

    Raises:
        SourceError: this system does not let programs see its screen, or there is none.
    """

    live = True
    title = "Screen"

    def __init__(self) -> None:
        format_, device = _grabber()
        try:
            self._container = av.open(device, format=format_, options={"framerate": str(FPS)})
        except (av.FFmpegError, ValueError) as error:
            cause = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"The screen cannot be seen: {cause.lower()}.") from None
        stream = self._container.streams.video[0]
        self._pictures = self._container.decode(stream)
        self._converter = PictureConverter()
        self._reads = 0
        self._started: float | None = None
        self.width, self.height, self.fps = stream.width, stream.height, float(FPS)

    def read(self) -> Frame | None:
        """Wait for the next picture of the screen."""
        try:
            picture = next(self._pictures, None)
        except av.FFmpegError as error:
            raise SourceLostError(
                f"The screen cannot be seen any more: {(error.strerror or str(error)).lower()}."
            ) from None
        if picture is None:
            raise SourceLostError("The screen cannot be seen any more.")
        image = self._converter.convert(picture, allocate=self.allocate)
        now = time.perf_counter()
        if self._started is None:
            self._started = now
        self._reads += 1
        return Frame(image, self._reads - 1, now - self._started, now)

    def close(self) -> None:
        """Stop looking."""
        self._container.close()


def _grabber() -> tuple[str, str]:
    """Return FFmpeg's device for the screen and what to ask it for; SourceError where there is none."""
    if sys.platform == "win32":
        return "gdigrab", "desktop"
    if sys.platform == "darwin":
        return "avfoundation", "Capture screen 0:none"
    if os.environ.get("XDG_SESSION_TYPE") == "wayland":
        raise SourceError("The screen cannot be seen: Wayland shows it to no other program; log in with X11 for this.")
    display = os.environ.get("DISPLAY")
    if not display:
        raise SourceError("The screen cannot be seen: there is no display (DISPLAY is not set).")
    return "x11grab", display
