"""A reader process that fails on purpose, `python -m tmnet_core.benchmarks.robustness.faulty_reader`.

Its specs are `faulty:KIND@FRAME:SPEC`: what SPEC names, until that frame is read.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading

import numpy as np

from tmnet_core.live.frames import Frame
from tmnet_core.live.sources import FrameSource, open_source
from tmnet_core.live.sources.remote.child import main

FAULTS = ("abort", "segfault", "exit", "hang", "stop", "raise", "memory", "babble", "shrink")
_SPEC = re.compile(r"faulty:(\w+)@(\d+):(.*)")


class FaultySource(FrameSource):
    """A source that does something terrible when one of its frames is read."""

    def __init__(self, source: FrameSource, fault: str, frame: int) -> None:
        self._source, self._fault, self._frame = source, fault, frame
        self.title, self.live, self.times = source.title, source.live, source.times
        self.width, self.height, self.fps = source.width, source.height, source.fps
        self._next = 0

    def read(self) -> Frame | None:
        """Return the next frame, or fail."""
        frame = self._source.read()
        if frame is not None and frame.index == self._frame:
            return _fail(self._fault, frame)
        return frame

    def seek(self, index: int) -> None:
        """Make this frame the next to be read."""
        self._source.seek(index)

    def close(self) -> None:
        """Close the source behind it."""
        self._source.close()


def _fail(fault: str, frame: Frame) -> Frame:
    match fault:
        case "abort":
            os.abort()
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "hang":
            threading.Event().wait()
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "raise":
            raise ZeroDivisionError("on purpose")
        case "memory":
            raise MemoryError
        case "babble":
            os.write(_answers(), b"\xff no message \n" * 100)
        case "shrink":
            return Frame(np.zeros((7, 5, 3), np.uint8), frame.index, frame.time, frame.captured)
    return frame


def _answers() -> int:
    """Return the pipe that answers go through: the newest descriptor that the process opened for writing."""
    return max(int(name) for name in os.listdir("/proc/self/fd") if _is_pipe(int(name)))


def _is_pipe(descriptor: int) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("pipe:") and descriptor > 2
    except OSError:
        return False


def open_faulty(spec: str) -> FrameSource:
    """Open what a faulty spec names, or any other."""
    parts = _SPEC.fullmatch(spec)
    if parts is None:
        return open_source(spec)
    return FaultySource(open_source(parts[3]), parts[1], int(parts[2]))


if __name__ == "__main__":
    main(open_faulty)
