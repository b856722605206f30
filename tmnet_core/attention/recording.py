"""Writing pictures as an H.264 MP4 of which everything written still plays when the disk fills or the power goes."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.video.stream import VideoStream

from tmnet_core.data.decoding import probe
from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError, TMNetError
from tmnet_core.files import unfinished

# Exact for every usual frame rate, and fine enough for times of any camera.
_TIME_BASE = Fraction(1, 90_000)
# Seconds between the places from which on a file that was cut off no longer plays.
_FRAGMENT = 1.0
# Fragments while it grows; once it is complete, an ordinary file.
_GROWING = {"movflags": "hybrid_fragmented+frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}


class RecordingError(TMNetError):
    """A recording cannot be begun or cannot go on; what was written before plays."""


class MovieWriter:
    """Writes pictures of one size, none dropped, under a free name (NAME.part.mp4) until `finish` gives it its own.

    A block that fails, or that does not finish, leaves what was written under that name. For use by one thread at a
    time.

    Attributes:
        frames: pictures written so far.
        unfinished: the file that is being written.

    Args:
        path: ends in `.mp4`; a file of this name is replaced when the recording is finished, not before.
        size: (width, height) in pixels, both even.
        fps: of the usual picture; times may deviate from it.
        quality: x264's constant rate factor, 0 the best, 51 the worst.

    Raises:
        RecordingError: the file cannot be written, or H.264 cannot be encoded here.
        ValueError: a side is odd.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float, *, quality: int = 20) -> None:
        if size[0] % 2 or size[1] % 2:
            raise ValueError(f"{size[0]}×{size[1]}: both sides have to be even")
        self.path = path
        self.size = size
        self.frames = 0
        self.unfinished = unfinished(path)
        self._fps = fps
        self._last = -1
        self._open = True
        try:
            # FFmpeg opens it with the first packet, which is late to learn that it cannot be.
            self.unfinished.open("wb").close()
            self._container = av.open(f"file:{self.unfinished}", "w", format="mp4", options=_GROWING)
            self._stream = self._add_stream(quality)
        except (av.FFmpegError, OSError, ValueError) as error:
            with suppress(OSError):
                self.unfinished.unlink(missing_ok=True)
            raise RecordingError(f"{path} cannot be written: {_cause(error)}") from None

    def write(self, picture: Image, seconds: float | None = None) -> None:
        """Add an H×W×3 uint8 RGB picture.

        Args:
            picture: of the recording's size.
            seconds: when it is shown, counted from the first one and later than the one before; at the frame rate
                where None.

        Raises:
            RecordingError: the disk is full or gone.
        """
        if picture.shape != (self.size[1], self.size[0], 3):
            raise ValueError(f"a picture of {picture.shape}, not of {self.size[0]}×{self.size[1]}")
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        stamp = round((self.frames / self._fps if seconds is None else seconds) / _TIME_BASE)
        # Two pictures cannot be shown at once: the later waits for a moment, and none is left out.
        self._last = max(stamp, self._last + 1)
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._encode(frame)
        self.frames += 1

    def finish(self) -> Path:
        """Write what is still in the encoder, close the file and give it its name, which is returned.

        Raises:
            RecordingError: the disk is full or gone.
        """
        self._encode(None)
        try:
            self._close()
            self.unfinished.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._broken(error) from None
        return self.path

    def close(self) -> None:
        """End without finishing: what was written plays, under the name `unfinished`. May be called again."""
        if not self._open:
            return
        try:
            self._encode(None)
            self._close()
        except (RecordingError, av.FFmpegError, OSError):
            # It was closed because something failed; whole fragments are on the disk.
            self._open = False
        if not self.frames:
            self.unfinished.unlink(missing_ok=True)

    def discard(self) -> None:
        """End and leave nothing behind."""
        self.close()
        self.unfinished.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add_stream(self, quality: int) -> VideoStream:
        options = {"crf": str(quality), "preset": "veryfast"}
        rate = Fraction(self._fps).limit_denominator(1001)
        stream: VideoStream = self._container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = max(1, round(self._fps * _FRAGMENT))
        stream.codec_context.time_base = _TIME_BASE
        stream.thread_type = "AUTO"
        return stream

    def _encode(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.FFmpegError, OSError) as error:
            raise self._broken(error) from None

    def _close(self) -> None:
        self._open = False
        self._container.close()

    def _broken(self, error: Exception) -> RecordingError:
        try:
            self._close()
        except (av.FFmpegError, OSError):
            self._open = False
        return RecordingError(f"{self.path} cannot be written on: {_cause(error)}; {playable(self.unfinished)}")


def playable(path: Path) -> str:
    """Say how much of a recording that was cut off plays."""
    try:
        return f"{probe(path).frames} frames of it play, in {path.name}"
    except SourceError:
        return "nothing of it plays yet"


def _cause(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
