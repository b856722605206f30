"""Decoded frames of many videos in one file, each a JPEG or raw pixels, any of which can be had at once.

A folder holds two files. `frames.bin` is one block for each video: its frames one after the other, then, on a multiple
of 8 bytes, N+1 offsets of the frames from the block's beginning (uint64) and their N times in seconds (float64), both
little-endian. `index.jsonl` says first how frames are kept, then, line by line, where each video's block is and what
file it was made of. Blocks and lines are only ever added, a line after its block is on the disk: a reader never meets
a half-written one, and a packer that was interrupted goes on.

A video's frames are taken for those of its file while the file's size and time of last change, in whole seconds, are
the same.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from tmnet_core.config import DataSection
from tmnet_core.errors import DataError, SourceError
from tmnet_core.files import file_stamp
from tmnet_core.opencv import cv2

Encoding = Literal["jpeg", "raw"]

FRAMES_FILE = "frames.bin"
INDEX_FILE = "index.jsonl"
SUFFIX = ".packed"
TABLE_ALIGNMENT = 8


class PackHeader(BaseModel):
    """How frames are kept: the first line of an index.

    Attributes:
        short_side: of the frames at most, in pixels; smaller ones are not enlarged.
        quality: of JPEGs, 1 to 100; 0 for raw pixels.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal["tmnet packed frames 1"] = "tmnet packed frames 1"
    encoding: Encoding = "jpeg"
    quality: int = 90
    short_side: int = 256

    def __str__(self) -> str:
        kind = f"JPEG {self.quality}" if self.encoding == "jpeg" else "raw pixels"
        return f"{kind}, short side {self.short_side}"


class PackedVideo(BaseModel):
    """Where a video's frames are: a line of an index.

    Attributes:
        path: of its file from the data set's folder on, with slashes; or an absolute one.
        size, modified: of its file when it was packed, in bytes and seconds since 1970.
        offset: of its block in `frames.bin`.
        table: of its offsets and times, from the block's beginning.
        frames: how many there are; 0 where it could not be read.
        error: why it could not be read.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    size: int
    modified: int
    offset: int = 0
    table: int = 0
    frames: int = 0
    width: int = 0
    height: int = 0
    error: str = ""

    @property
    def end(self) -> int:
        """Where its block ends in `frames.bin`."""
        return self.offset + self.table + (8 * (self.frames + 1) + 8 * self.frames if self.frames else 0)


@dataclass(frozen=True)
class PackIndex:
    """What an index says; of a video that was packed twice, the newest.

    Attributes:
        length: bytes of the index that can be trusted: up to its last whole line.
        end: where the last block of all lines ends.
    """

    header: PackHeader
    videos: dict[str, PackedVideo]
    length: int
    end: int


def packed_folder(data: DataSection, root: Path) -> Path:
    """Return where the frames of the videos in `root` are packed: where the recipe's data says, else beside them."""
    return root / Path(data.packed).expanduser() if data.packed else default_pack(root)


def default_pack(root: Path) -> Path:
    """Return where frames are packed if nobody says otherwise: beside the folder of their videos."""
    return root.with_name(root.name + SUFFIX)


def stored_path(root: Path, path: Path) -> str:
    """Return what an index calls a file, so that a data set can be moved along with its packed frames."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.absolute().as_posix()


def read_index(folder: Path) -> PackIndex | None:
    """Read a folder's index; None where there is none, or none that got beyond its beginning.

    Raises:
        DataError: it is of another kind.
    """
    try:
        content = (folder / INDEX_FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"The packed frames {folder} cannot be read: {error.strerror}.") from error
    # What follows the last line break was being written when its writer was interrupted.
    whole = content.rpartition(b"\n")[0]
    first, *lines = whole.split(b"\n")
    if not whole:
        return None
    try:
        header = PackHeader.model_validate_json(first)
        videos = [PackedVideo.model_validate_json(line) for line in lines]
    except ValidationError as error:
        raise DataError(f"{folder / INDEX_FILE} is not the index of frames that this version packs.") from error
    end = max((video.end for video in videos), default=0)
    return PackIndex(header, {video.path: video for video in videos}, len(whole) + 1, end)


class PackedFrames:
    """Reads packed frames; picklable, and all processes share the pages that the system keeps of the file.

    Raises:
        DataError: the folder holds no packed frames.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = read_index(folder)
        if index is None:
            raise DataError(f"{folder} holds no packed frames; tmnet data pack makes them.")
        self.header = index.header
        self.videos = index.videos
        self._map: mmap.mmap | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_map": None}

    def find(self, root: Path, path: Path) -> PackedVideo | None:
        """Return the frames of a file; None where there are none, or the file is no longer what it was."""
        video = self.videos.get(stored_path(root, path))
        return video if video is not None and (video.size, video.modified) == file_stamp(path) else None

    def times(self, video: PackedVideo) -> npt.NDArray[np.float64]:
        """Return when a video's frames are shown, in seconds from the first."""
        at = video.offset + video.table + 8 * (video.frames + 1)
        return np.frombuffer(self._bytes(video), "<f8", video.frames, at)

    def read(self, video: PackedVideo, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Return N×H×W×3 uint8 RGB frames; raises SourceError where they are damaged."""
        data = self._bytes(video)
        offsets = np.frombuffer(data, "<u8", video.frames + 1, video.offset + video.table)
        frames = np.empty((len(indices), video.height, video.width, 3), dtype=np.uint8)
        for place, index in zip(frames, indices, strict=True):
            start, end = video.offset + int(offsets[index]), video.offset + int(offsets[index + 1])
            if self.header.encoding == "raw":
                place[:] = np.frombuffer(data, np.uint8, end - start, start).reshape(place.shape)
                continue
            picture = cv2.imdecode(np.frombuffer(data, np.uint8, end - start, start), cv2.IMREAD_COLOR)
            if picture is None or picture.shape != place.shape:
                raise SourceError(f"The packed frames of {video.path} in {self.folder} are damaged; pack them anew.")
            cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=place)
        return frames

    def close(self) -> None:
        """Let go of the file; reading opens it again."""
        if self._map is not None:
            self._map.close()
            self._map = None

    def _bytes(self, video: PackedVideo) -> mmap.mmap:
        if self._map is None:
            try:
                with (self.folder / FRAMES_FILE).open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise SourceError(f"{self.folder / FRAMES_FILE} cannot be read: {error}.") from error
        if video.error:
            raise SourceError(video.error)
        if len(self._map) < video.end:
            raise SourceError(f"{self.folder / FRAMES_FILE} is shorter than its index says; pack the frames anew.")
        return self._map
