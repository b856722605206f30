"""A reader process, seen from the one that started it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import tmnet_core
from tmnet_core.errors import SourceLostError
from tmnet_core.live.sources.remote.messages import Message, Writer, read_message
from tmnet_core.priority import NO_WINDOW

_MODULE = "tmnet_core.live.sources.remote.child"
_TURN = 0.25
_GRACE = 5.0
_LINES_KEPT = 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds after which a reader process is taken to hang.

    Attributes:
        start: to start, on a machine that is busy.
        open: to open a source; cameras and streams give up earlier by themselves.
        read: to get a frame.
        silence: to give no sign of life.
    """

    start: float = 60.0
    open: float = 30.0
    read: float = 10.0
    silence: float = 10.0


class ReaderProcess:
    """Starts a reader and talks with it; for use by one thread at a time, but `kill`, which any thread may call."""

    def __init__(self, module: str = _MODULE) -> None:
        # -P: a folder that somebody happens to stand in must not offer modules to import.
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", module]
        path = [str(Path(tmnet_core.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            creationflags=NO_WINDOW,
        )
        assert self._process.stdin is not None
        self._orders = Writer(self._process.stdin)
        self._answers: queue.SimpleQueue[tuple[Message, bytes] | None] = queue.SimpleQueue()
        self._last_sign = time.perf_counter()
        self._ready = False
        self._clock_shift = 0.0
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._followers = [
            threading.Thread(target=self._follow_answers, name="reader-answers", daemon=True),
            threading.Thread(target=self._follow_errors, name="reader-errors", daemon=True),
        ]
        for follower in self._followers:
            follower.start()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def clock_shift(self) -> float:
        """What to add to its `time.perf_counter()` to get that of this process."""
        return self._clock_shift

    def order(self, message: Message) -> None:
        """Send an order; SourceLostError if the process has ended."""
        try:
            self._orders.write(message)
        except (OSError, ValueError):
            raise self._lost() from None

    def answer(self, limit: float, limits: Limits) -> tuple[Message, bytes]:
        """Return its next answer; SourceLostError if it ended, or hung and was killed."""
        deadline = time.perf_counter() + limit + (0.0 if self._ready else limits.start)
        while True:
            try:
                got = self._answers.get(timeout=_TURN)
            except queue.Empty:
                now = time.perf_counter()
                silent = self._ready and now - self._last_sign > limits.silence
                if now > deadline or silent:
                    self.kill()
                    raise SourceLostError("its reader hung and was ended") from None
                continue
            if got is None:
                raise self._lost()
            if got[0].get("is") == "ready":
                self._ready = True
                self._compare_clocks(got[0])
                continue
            return got

    def kill(self) -> None:
        """End it at once; may be called again."""
        self._process.kill()

    def close(self) -> None:
        """End it and let go of all that belongs to it."""
        self.kill()
        self._process.wait()
        for follower in self._followers:
            if follower is not threading.current_thread():
                follower.join(_GRACE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # an order that nobody read
                    pipe.close()

    def _compare_clocks(self, message: Message) -> None:
        """Learn how its clock differs: not at all where systems have one clock for all processes."""
        shift = self._last_sign - float(message["now"])
        # It said so some milliseconds before it was heard, or seconds, on a busy machine; clocks of two machines'
        # starts would be hours apart.
        self._clock_shift = shift if abs(shift) > 60.0 else 0.0

    def _follow_answers(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        while (got := read_message(pipe)) is not None:
            self._last_sign = time.perf_counter()
            if got[0].get("is") != "beat":
                self._answers.put(got)
        self._answers.put(None)

    def _follow_errors(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        for line in pipe:
            self._said.append(line.decode(errors="replace")[:500])

    def _lost(self) -> SourceLostError:
        """Return the error to raise for a process that has ended, with what it last said as a note."""
        self.kill()
        status = self._process.wait()
        self._followers[1].join(1.0)
        error = SourceLostError(f"its reader crashed ({_outcome(status)})")
        error.add_note("".join(self._said))
        return error


def _outcome(status: int) -> str:
    if status < 0:
        try:
            return signal.Signals(-status).name
        except ValueError:
            return f"signal {-status}"
    return f"exit status {status}"
