"""Clips told by what is in their files, so that they are found again whatever they are called, wherever they lie."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tmnet_core.data.annotations import LabelledVideo

if TYPE_CHECKING:
    from tmnet_core.data.clips import ClipSource

# Of more clips than these, which no data set of actions has, none is kept: a header stays below some 6 MB.
MOST_CLIPS = 500_000

_HASH_BYTES = 8
# Read from the middle of a file, where a video has its pictures: its beginning may be the same for many.
_READ_BYTES = 2**16
# What takes time is the disk's or the network's answer, so several are asked for at once.
_READERS = 16
# Files whose hashes are kept, a few hundred bytes each.
_REMEMBERED = 50_000

Part = tuple[float, float | None]


class Fingerprints(BaseModel):
    """Clips, as hashes of what is in their files. A file that was encoded again is another one.

    Attributes:
        whole: hashes of the files that are clips as a whole, 8 bytes each, ascending, in base64.
        parts: start and end in seconds of the clips that are parts of a file, by the file's hash in hexadecimal digits;
            an end of None is the file's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    whole: str = Field("", max_length=MOST_CLIPS * _HASH_BYTES * 4 // 3 + 4)
    parts: dict[str, list[Part]] = Field(default_factory=dict, max_length=MOST_CLIPS)

    @field_validator("whole")
    @classmethod
    def _holds_whole_hashes(cls, text: str) -> str:
        try:
            length = len(base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise ValueError("not base64") from error
        if length % _HASH_BYTES:
            raise ValueError(f"not of {_HASH_BYTES} bytes each")
        return text

    @classmethod
    def of(cls, clips: ClipSource) -> Self | None:
        """Return those of a source's clips; of rendered ones, which are no files, none. None: there are too many."""
        if len(clips) > MOST_CLIPS:
            return None
        whole: set[str] = set()
        parts: dict[str, set[Part]] = {}
        for video, found in _hashes(clips):
            if found is None or video is None:
                continue
            if video.whole:
                whole.add(found)
            else:
                parts.setdefault(found, set()).add((video.start, video.end))
        return cls._made_of(whole, parts)

    @classmethod
    def _made_of(cls, whole: Iterable[str], parts: dict[str, set[Part]]) -> Self:
        packed = base64.b64encode(bytes.fromhex("".join(sorted(whole)))).decode()
        return cls(whole=packed, parts={file: sorted(parts[file], key=_in_order) for file in sorted(parts)})

    def __or__(self, other: Fingerprints) -> Fingerprints:
        """Return the clips of both."""
        both = {file: {*self.parts.get(file, ()), *other.parts.get(file, ())} for file in {*self.parts, *other.parts}}
        return self._made_of(self._files | other._files, both)

    def __len__(self) -> int:
        return len(self._files) + sum(map(len, self.parts.values()))

    def found_in(self, clips: ClipSource) -> list[int]:
        """Return which clips of a source these are: the same file or, where it is cut, parts that overlap."""
        if not len(self):
            return []
        hashes = enumerate(_hashes(clips))
        return [index for index, (video, found) in hashes if video and found and self._holds(video, found)]

    @cached_property
    def _files(self) -> frozenset[str]:
        packed = base64.b64decode(self.whole)
        return frozenset(packed[i : i + _HASH_BYTES].hex() for i in range(0, len(packed), _HASH_BYTES))

    def _holds(self, video: LabelledVideo, file: str) -> bool:
        if file in self._files:
            return True
        return any(_overlap((video.start, video.end), part) for part in self.parts.get(file, ()))


def digest_clips(clips: ClipSource) -> str:
    """Return what changes when clips are added, removed, renamed, put into another class, or have other content."""
    digest = hashlib.sha256()
    for index, (video, found) in enumerate(_hashes(clips)):
        if video is None:
            place = clips.name(index)
        else:
            # However the way to the folder was written.
            folder = os.path.realpath(video.path.parent)
            place = f"{folder}/{video.path.name} {video.start} {video.end} {found}"
        digest.update(f"{clips.classes[clips.label(index)]}\0{place}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def hash_file(path: Path) -> str | None:
    """Return 16 digits made of a file's size and of what is in its middle; None where it cannot be read."""
    try:
        status = path.stat()
        return _hash_content(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _hash_content(path: Path, size: int, modified: int) -> str:
    """Read once what does not change meanwhile."""
    with path.open("rb") as file:
        file.seek(max(0, (size - _READ_BYTES) // 2))
        content = file.read(_READ_BYTES)
    return hashlib.blake2b(size.to_bytes(8, "little") + content, digest_size=_HASH_BYTES).hexdigest()


def _hashes(clips: ClipSource) -> Iterator[tuple[LabelledVideo | None, str | None]]:
    """Yield each clip's video and the hash of its file, None for both where there is no file."""
    videos = [clips.video(index) for index in range(len(clips))]
    paths = list(dict.fromkeys(video.path for video in videos if video))
    with ThreadPoolExecutor(_READERS, thread_name_prefix="fingerprints") as readers:
        found = dict(zip(paths, readers.map(hash_file, paths), strict=True))
    for video in videos:
        yield video, None if video is None else found[video.path]


def _in_order(part: Part) -> tuple[float, float]:
    return part[0], float("inf") if part[1] is None else part[1]


def _overlap(one: Part, other: Part) -> bool:
    (start, end), (other_start, other_end) = _in_order(one), _in_order(other)
    return start < other_end and other_start < end
