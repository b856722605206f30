"""Messages between the window's process and a reader's: a line of JSON, and bytes after it where it says so."""

from __future__ import annotations

import json
import threading
from typing import IO, Any

Message = dict[str, Any]
_LONGEST_LINE = 2**16
_MOST_BYTES = 2**28
_PAYLOAD = "payload"


class Writer:
    """Writes whole messages, from any thread."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def write(self, message: Message, payload: bytes = b"") -> None:
        """Send one message; OSError or ValueError where nobody listens any more."""
        if payload:
            message = {**message, _PAYLOAD: len(payload)}
        with self._lock:
            self._pipe.write(json.dumps(message).encode() + b"\n" + payload)
            self._pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[Message, bytes] | None:
    """Return the next message and its bytes; None at the end, and at what is no message."""
    try:
        line = pipe.readline(_LONGEST_LINE)
        message = json.loads(line) if line.endswith(b"\n") else None
        if not isinstance(message, dict):
            return None
        length = int(message.pop(_PAYLOAD, 0))
        payload = pipe.read(length) if 0 < length <= _MOST_BYTES else b""
        return (message, payload) if len(payload) == length else None
    except (OSError, TypeError, ValueError, RecursionError):
        return None
