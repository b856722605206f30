"""Small pictures of any frame of a file, for whoever moves over the seek bar. Knows no Qt."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from tmnet_core.data.decoding import VideoReader
from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import TMNetError
from tmnet_core.live.slot import LatestSlot
from tmnet_core.opencv import cv2

_log = logging.getLogger(__name__)
_WIDTH = 192
_WAKE_EVERY = 0.05


@dataclass(frozen=True, eq=False)
class Preview:
    """A small picture of a frame: H×W×3 uint8 RGB, 192 pixels wide."""

    path: str
    index: int
    image: Image


class FramePreviews:
    """Decodes the frame asked for last in a thread of its own; the file is opened at the first question."""

    def __init__(self) -> None:
        self._asked: LatestSlot[tuple[str, int]] = LatestSlot()
        self._ready: LatestSlot[Preview] = LatestSlot()
        self._closing = threading.Event()
        self._reader: VideoReader | None = None
        self._path = ""
        self._thread = threading.Thread(target=self._run, name="tmnet-preview", daemon=True)
        self._thread.start()

    def ask(self, path: str, index: int) -> None:
        """Ask for a frame of a file, in place of one that has not been begun."""
        self._asked.put((path, index))

    def take(self) -> Preview | None:
        """Return the newest picture that has not been taken."""
        return self._ready.take(0)

    def close(self, timeout: float = 5.0) -> None:
        """Stop, and wait for the thread."""
        self._closing.set()
        self._asked.close()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            asked = self._asked.take(_WAKE_EVERY)
            if asked is None:
                continue
            try:
                self._answer(*asked)
            except (TMNetError, IndexError, OSError):
                # A preview is a courtesy: what is wrong with the file is told where it is played.
                _log.info("No preview of frame %d of %s", asked[1], asked[0], exc_info=True)
        if self._reader is not None:
            self._reader.close()

    def _answer(self, path: str, index: int) -> None:
        if path != self._path or self._reader is None:
            if self._reader is not None:
                self._reader.close()
            self._reader, self._path = None, path
            self._reader = VideoReader(path, threads="NONE")
        self._reader.seek(index)
        found = self._reader.read()
        if found is None:
            return
        image = found[2]
        size = _WIDTH, max(1, round(image.shape[0] * _WIDTH / image.shape[1]))
        small: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        self._ready.put(Preview(path, index, small))
