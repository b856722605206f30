"""Writing files so that a reader never meets half of one, and telling what a file is before it is opened."""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that takes the name `path` when the block succeeds, and is removed when it fails.

    After it, a power cut leaves the new file; before it, the old one.

    Raises:
        OSError: of `path`, where the temporary file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if error.filename not in {None, str(temporary)}:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder last; Windows opens no folders and keeps names by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unfinished(path: Path) -> Path:
    """Return a free name for a file that grows for long and is worth keeping unfinished: NAME.part.EXT, .part-2, ...

    A file of that name is somebody's: what an earlier recording left, or the very video that is read.
    """
    names = chain((f"{path.stem}.part{path.suffix}",), (f"{path.stem}.part-{n}{path.suffix}" for n in count(2)))
    return next(free for free in map(path.with_name, names) if not free.exists())


@contextmanager
def growing(path: Path) -> Iterator[Path]:
    """Yield a path by `unfinished(path)`; the file takes the name `path` when the block succeeds, else it stays."""
    temporary = unfinished(path)
    yield temporary
    os.replace(temporary, path)


def file_stamp(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of the last change in whole seconds since 1970; zeros where there is no file.

    While both are the same, what was once found in a file is taken to be still true.
    """
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, int(status.st_mtime)


def is_larger(path: Path, most_bytes: int) -> bool:
    """Whether a file has more bytes than what it should be ever has, so that it is not even read; OSError."""
    return path.stat().st_size > most_bytes


def is_torch_pickle(path: Path) -> bool:
    """Whether a file starts as those of `torch.save` do: a zip archive or a bare pickle, both of which may run code."""
    with path.open("rb") as file:
        start = file.read(4)
    return start == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"})


def is_packed_archive(path: Path) -> bool:
    """Whether a file is a zip archive with compressed entries, which may unpack to any size; OSError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist())
    except zipfile.BadZipFile:
        return False
