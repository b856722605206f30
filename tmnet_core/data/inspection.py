"""One video file looked over: whether it can be read to its end, and whether its header tells the truth."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from tmnet_core.data.decoding import VideoReader
from tmnet_core.errors import SourceError
from tmnet_core.files import file_stamp

# Of the frame rate: less is rounding.
_RATE_TOLERANCE = 0.01


class VideoReport(BaseModel):
    """What was found in one file.

    Attributes:
        path: the file, as it was named.
        size, modified: bytes, and seconds since 1970; what tells whether the file is still the same.
        frames: how many there are, counted; 0 where it cannot be read.
        decoded: how many of them could be decoded; None where that was not tried.
        concealed: how many of those the decoder had to patch over.
        declared_frames, declared_fps: what its header says; 0 where it says nothing.
        error: why it cannot be read; empty where it can.
    """

    path: str
    size: int = 0
    modified: int = 0
    frames: int = 0
    decoded: int | None = None
    concealed: int = 0
    fps: float = 0.0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    codec: str = ""
    declared_frames: int = 0
    declared_fps: float = 0.0
    error: str = ""

    @property
    def lies(self) -> list[str]:
        """What its header says and is not so."""
        found = []
        if self.declared_frames and self.frames and self.declared_frames != self.frames:
            found.append(f"says {self.declared_frames} frames, has {self.frames}")
        if self.declared_fps and self.fps and abs(self.declared_fps - self.fps) > _RATE_TOLERANCE * self.fps:
            found.append(f"says {self.declared_fps:.4g} frames/s, has {self.fps:.4g}")
        return found

    @property
    def flaws(self) -> list[str]:
        """What is wrong with it though it can be read."""
        found = []
        damaged = self.concealed + (0 if self.decoded is None else self.frames - self.decoded)
        if damaged:
            found.append(f"{damaged} of {self.frames} frames are damaged")
        if self.frames == 1:
            found.append("has a single frame and so no motion")
        return found

    def is_of(self, path: Path) -> bool:
        """Whether this was found in the file as it is now."""
        return (self.size, self.modified) == file_stamp(path)


def inspect_video(path: str, *, decode: bool = True) -> VideoReport:
    """Look over a file; `decode` decodes every frame, without it only the packets are counted.

    What is wrong is in the report, never raised.
    """
    size, modified = file_stamp(Path(path))
    report = VideoReport(path=path, size=size, modified=modified)
    try:
        return _read(report, decode=decode)
    except SourceError as error:
        return report.model_copy(update={"error": str(error)})


def crashed_video(path: str) -> VideoReport:
    """Return the report of a file that ended the process that looked it over."""
    size, modified = file_stamp(Path(path))
    error = f"{path} cannot be read as a video: the decoder crashes on it."
    return VideoReport(path=path, size=size, modified=modified, error=error)


def _read(report: VideoReport, *, decode: bool) -> VideoReport:
    with VideoReader(report.path, threads="NONE") as reader:
        decoded = None
        if decode:
            decoded = 0
            while reader.read() is not None:
                decoded += 1
        info, header = reader.info, reader.header
        return report.model_copy(
            update={
                "frames": info.frames,
                "decoded": decoded,
                "concealed": reader.concealed,
                "fps": info.fps,
                "seconds": info.duration,
                "width": info.width,
                "height": info.height,
                "codec": header.codec,
                "declared_frames": header.frames,
                "declared_fps": header.fps,
            }
        )
