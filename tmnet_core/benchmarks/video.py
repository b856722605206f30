"""A video to decode for ever, of rendered people where no other is at hand."""

from __future__ import annotations

from pathlib import Path

import av

from tmnet_core.data.preprocessing import Image
from tmnet_core.data.synthetic_people import render_clip
from tmnet_core.live.sources import VideoFileSource

VIDEO_SIZE = (1280, 720)
_FRAMES = 24


class VideoLoop:
    """Frames of a file, one after the other, for ever."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = VideoFileSource(path)

    def read(self) -> Image:
        """Return the next frame, the first one behind the last."""
        frame = self._source.read()
        if frame is None:
            self._source.seek(0)
            frame = self._source.read()
        assert frame is not None
        return frame.image

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def render_video(folder: Path) -> Path:
    """Write a video of rendered people into a folder and return its path."""
    path = folder / "people.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = VIDEO_SIZE
        stream.pix_fmt = "yuv420p"
        for picture in render_clip(0, 0, frames=_FRAMES, size=VIDEO_SIZE).frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
