"""Video files."""

from __future__ import annotations

import time
from pathlib import Path

from tmnet_core.data.decoding import VideoReader
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.source import FrameSource


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
        got = self._reader.read(self.allocate)
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
