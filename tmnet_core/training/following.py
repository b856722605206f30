"""Following files that another process writes: a run's events as they come, and the last lines of its log."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from tmnet_core.training.events import Event, parse_event

_CHUNK = 2**18
_TAIL = 2**16


class EventFollower:
    """Reads the events that were appended to a file since it was last asked.

    The file is open only while it is read. A line that is not complete yet waits for its end, lines that are no
    events are passed over, and a file that was replaced or cut is read anew.

    Attributes:
        restarts: how often the file was read anew; what was handed out before then no longer counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarts = 0
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._rest = b""

    def read(self, most: int = _CHUNK) -> list[Event]:
        """Return the new events of at most so many bytes; a file that is not there has none."""
        try:
            with self.path.open("rb") as file:
                self._notice_replacement(os.fstat(file.fileno()))
                file.seek(self._offset)
                new = file.read(most)
        except OSError:
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        if len(self._rest) > _CHUNK:
            self._rest = b"#"  # no event is so long: whatever it is, its end is waited for without keeping it
        return [event for line in lines if (event := _event(line)) is not None]

    @property
    def behind(self) -> bool:
        """Whether the file holds more than was read."""
        try:
            return self.path.stat().st_size != self._offset
        except OSError:
            return False

    def _notice_replacement(self, status: os.stat_result) -> None:
        identity = (status.st_dev, status.st_ino)
        if self._identity is not None and (identity != self._identity or status.st_size < self._offset):
            self.restarts += 1
            self._offset, self._rest = 0, b""
        self._identity = identity


def last_event(path: Path) -> Event | None:
    """Return the last event of a file, None where it has none."""
    for line in reversed(_read_end(path).split(b"\n")):
        if (event := _event(line)) is not None:
            return event
    return None


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a text that may be of any length; what a progress bar overwrote is left out."""
    text = _read_end(path).decode("utf-8", errors="replace")
    lines = (line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n"))
    return [line for line in lines if line][-count:]


def _event(line: bytes) -> Event | None:
    try:
        return parse_event(line)
    except ValidationError:
        return None


def _read_end(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            return file.read(_TAIL)
    except OSError:
        return b""
