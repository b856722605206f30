"""Packs the frames of a data set's videos into one file that training reads from; see `packed_frames`."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from tmnet_core.config import DataSection
from tmnet_core.data.annotations import all_videos
from tmnet_core.data.datasets import find_layout, load_all
from tmnet_core.data.decoding import VideoReader
from tmnet_core.data.packed_frames import (
    FRAMES_FILE,
    INDEX_FILE,
    TABLE_ALIGNMENT,
    PackedVideo,
    PackHeader,
    packed_folder,
    read_index,
    stored_path,
)
from tmnet_core.data.preprocessing import Image
from tmnet_core.data.resizing import shrink
from tmnet_core.data.spawned import run_spawned
from tmnet_core.errors import DataError, SourceError
from tmnet_core.files import file_stamp
from tmnet_core.holder import Holder
from tmnet_core.opencv import cv2

_LOCK_FILE = "lock"
_PARTS = "parts-"
# What is packed is made safe on the disk after so many bytes or seconds, whichever comes first.
_SYNC_BYTES = 256 * 2**20
_SYNC_SECONDS = 10.0


@dataclass(frozen=True)
class PackReport:
    """What became of a data set.

    Attributes:
        packed: videos that this call packed; the others were there.
        unreadable: a sentence for each video that cannot be read.
    """

    folder: Path
    header: PackHeader
    videos: int
    packed: int
    frames: int
    size: int
    unreadable: tuple[str, ...]


def pack_dataset(
    data: DataSection,
    header: PackHeader,
    *,
    workers: int = 0,
    fresh: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PackReport:
    """Pack the videos of a recipe's data that are not packed yet, or have changed since.

    Args:
        header: how frames are kept.
        workers: processes that decode; 0 decodes in this one.
        fresh: begin anew.
        progress: told how many of the videos are done.

    Raises:
        DataError: there are no videos, another process packs them now, or what is there is kept in another way.
    """
    root, paths = _list_videos(data)
    folder = packed_folder(data, root)
    folder.mkdir(parents=True, exist_ok=True)
    with _named(folder), _locked(folder), tempfile.TemporaryDirectory(prefix=_PARTS, dir=folder) as parts:
        if fresh:
            # The index first: frames without an index are nobody's, an index without frames would lie.
            (folder / INDEX_FILE).unlink(missing_ok=True)
            (folder / FRAMES_FILE).unlink(missing_ok=True)
        with PackWriter(folder, header) as writer:
            there = {path for path in paths if writer.holds(root, path)}
            done = len(there)
            progress(done, len(paths))
            work = partial(_write_block, root, header, Path(parts))
            left = [path for path in paths if path not in there]
            # Closed before the folder of their files is: whatever ends this, the processes have then ended.
            with closing(run_spawned(work, left, workers, crashed=partial(_crashed, root))) as blocks:
                for _, block in blocks:
                    writer.add(block)
                    done += 1
                    progress(done, len(paths))
        videos = [writer.videos[stored_path(root, path)] for path in paths]
    return PackReport(
        folder,
        header,
        len(paths),
        sum(not writer.videos[stored_path(root, path)].error for path in left),
        sum(video.frames for video in videos),
        (folder / FRAMES_FILE).stat().st_size,
        tuple(video.error for video in videos if video.error),
    )


@dataclass(frozen=True)
class _Block:
    """A video's block in a file of its own, and its line but for the offset."""

    video: PackedVideo
    file: Path | None


class PackWriter:
    """Adds blocks and their lines, so that after any interruption all lines that are there are true.

    Attributes:
        videos: what is packed, by its path.

    Raises:
        DataError: what is there is kept in another way than `header` says.
    """

    def __init__(self, folder: Path, header: PackHeader) -> None:
        self._folder = folder
        index = read_index(folder)
        if index is not None and index.header != header:
            raise DataError(f"{folder} keeps frames as {index.header}, not as {header}; --fresh begins anew.")
        self.videos: dict[str, PackedVideo] = dict(index.videos) if index else {}
        # A block that no line names goes; one that only an older line names may be mapped by a reader, and stays.
        self._end = index.end if index else 0
        self._frames = _open_at(folder / FRAMES_FILE, self._end)
        self._index = _open_at(folder / INDEX_FILE, index.length if index else 0)
        if index is None:
            self._index.write(header.model_dump_json().encode() + b"\n")
        self._lines: list[PackedVideo] = []
        self._unsafe = 0
        self._synced = time.monotonic()

    def holds(self, root: Path, path: Path) -> bool:
        """Whether a file's frames, or that it cannot be read, are known of the file as it is."""
        video = self.videos.get(stored_path(root, path))
        return video is not None and (video.size, video.modified) == file_stamp(path)

    def add(self, block: _Block) -> None:
        """Add a video's block, and remove the file that it comes in."""
        video = block.video
        if block.file is not None:
            video = video.model_copy(update={"offset": self._end})
            with block.file.open("rb") as file:
                shutil.copyfileobj(file, self._frames, 2**20)
            block.file.unlink()
            self._unsafe += video.end - self._end
            self._end = video.end
        self._lines.append(video)
        self.videos[video.path] = video
        if self._unsafe >= _SYNC_BYTES or time.monotonic() - self._synced > _SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Make blocks safe on the disk, then the lines that name them."""
        _flush(self._frames)
        for video in self._lines:
            self._index.write(video.model_dump_json(exclude_defaults=True).encode() + b"\n")
        _flush(self._index)
        self._lines = []
        self._unsafe = 0
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # A full disk may be why it ends: then the lines that are on the disk are all there is.
            if not isinstance(error, OSError):
                self.sync()
        finally:
            self._frames.close()
            self._index.close()


def _write_block(root: Path, header: PackHeader, parts: Path, path: Path) -> _Block:
    """Decode a video and write its block to a file in `parts`; runs in a process of its own."""
    size, modified = file_stamp(path)
    video = PackedVideo(path=stored_path(root, path), size=size, modified=modified)
    handle, name = tempfile.mkstemp(dir=parts)
    file = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            return _Block(_write_frames(video, header, path, out), file)
    except SourceError as error:
        file.unlink()
        return _Block(video.model_copy(update={"error": str(error)}), None)


def _write_frames(video: PackedVideo, header: PackHeader, path: Path, out: BinaryIO) -> PackedVideo:
    offsets = [0]
    height = width = 0
    with VideoReader(path, threads="NONE") as reader:
        for picture in _every_frame(reader):
            small = shrink(picture[None], header.short_side)[0]
            height, width = small.shape[:2]
            offsets.append(offsets[-1] + out.write(_encode(small, header)))
        times = np.asarray(reader.times, dtype="<f8")
    table = -(-offsets[-1] // TABLE_ALIGNMENT) * TABLE_ALIGNMENT
    out.write(bytes(table - offsets[-1]))
    out.write(np.asarray(offsets, dtype="<u8").tobytes())
    out.write(times.tobytes())
    return video.model_copy(update={"table": table, "frames": len(times), "width": width, "height": height})


def _every_frame(reader: VideoReader) -> Iterator[Image]:
    """Yield a picture for each frame: for a damaged one the next that decodes, at the end the one before."""
    expected = 0
    picture = None
    while (found := reader.read()) is not None:
        index, _, picture = found
        for _ in range(expected, index + 1):
            yield picture
        expected = index + 1
    if picture is None:
        raise SourceError(f"{reader.path} cannot be read as a video: no frame of it can be decoded.")
    for _ in range(expected, len(reader.times)):
        yield picture


def _encode(picture: Image, header: PackHeader) -> bytes:
    if header.encoding == "raw":
        return picture.tobytes()
    settings = [cv2.IMWRITE_JPEG_QUALITY, header.quality]
    return cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)[1].tobytes()


def _crashed(root: Path, path: Path) -> _Block:
    size, modified = file_stamp(path)
    error = f"{path} cannot be read as a video: the decoder crashes on it."
    return _Block(PackedVideo(path=stored_path(root, path), size=size, modified=modified, error=error), None)


def _list_videos(data: DataSection) -> tuple[Path, list[Path]]:
    """Return the data set's folder and its videos: those that a CSV file names, else all that are there.

    So one packing serves all splits.
    """
    layout = find_layout(data)
    if layout.format == "csv":
        paths = list(dict.fromkeys(video.path for video in load_all(data).videos if video.path.is_file()))
    else:
        paths = list(all_videos(layout.root))
    if not paths:
        raise DataError(f"{layout.root} holds no videos.")
    return layout.root, paths


def _open_at(path: Path, length: int) -> BinaryIO:
    """Open a file for writing after its first `length` bytes; what follows was not finished, and goes."""
    file = path.open("r+b" if path.exists() else "w+b")
    file.truncate(length)
    file.seek(length)
    return file


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Name the folder where the disk is full: writing to a file that is open does not say which one it is."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(folder)) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from packing into the same folder, which would tear both."""
    lock = folder / _LOCK_FILE
    if lock.exists():
        _refuse_while_held(lock)
        lock.unlink(missing_ok=True)
    try:
        with lock.open("x", encoding="utf-8") as file:
            file.write(Holder.me().model_dump_json())
    except FileExistsError:
        raise DataError(f"Another process has just begun to pack into {folder}.") from None
    try:
        for left in folder.glob(f"{_PARTS}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _refuse_while_held(lock: Path) -> None:
    try:
        holder = Holder.model_validate_json(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise DataError(f"Some process seems to be packing into {lock.parent}; if none is, remove {lock}.") from None
    if holder.elsewhere:
        raise DataError(f"{_capital(holder)} is packing into {lock.parent}; if it no longer is, remove {lock}.")
    if holder.process() is not None:
        raise DataError(f"{_capital(holder)} is packing into {lock.parent}.")


def _capital(holder: Holder) -> str:
    return f"P{str(holder).removeprefix('p')}"
