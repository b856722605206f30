"""The reader process, `python -m tmnet_core.live.sources.remote.child`: opens one source and hands its frames over.

It ends when its standard input does, so it never outlives whoever started it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources import FrameSource, open_source, short_name
from tmnet_core.live.sources.remote.messages import Message, Writer, read_message
from tmnet_core.live.sources.remote.ring import SLOTS, FrameRing

BEAT_EVERY = 0.5


class Reader:
    """Does what it is told, and reads one frame of a file ahead while nobody asks."""

    def __init__(self, source: FrameSource, answers: Writer) -> None:
        self._source = source
        self._answers = answers
        self._ring: FrameRing | None = None
        self._slot = 0
        self._ahead: Frame | Exception | None = None
        self._read_ahead = False
        source.allocate = self._allocate

    def obey(self, order: Message) -> None:
        """Carry out one order."""
        match order["do"]:
            case "ring":
                self._attach(order["name"], order["bytes"])
            case "seek":
                self._seek(order["index"])
            case "read":
                self._answer()

    def close(self) -> None:
        """Let go of everything."""
        self._source.close()
        self._ahead = None
        if self._ring is not None:
            self._ring.close()

    def _attach(self, name: str, slot_bytes: int) -> None:
        before, self._ring = self._ring, FrameRing.attach(name, slot_bytes)
        if before is not None:
            # A frame that was read ahead lies in the memory that goes.
            if isinstance(self._ahead, Frame):
                self._ahead = Frame(self._ahead.image.copy(), self._ahead.index, self._ahead.time, self._ahead.captured)
            before.close()

    def _seek(self, index: int) -> None:
        if self._read_ahead and isinstance(self._ahead, Frame) and self._ahead.index == index:
            return
        self._read_ahead = False
        self._source.seek(index)

    def _answer(self) -> None:
        frame = self._ahead if self._read_ahead else self._try_to_read()
        self._read_ahead, self._ahead = False, None
        if isinstance(frame, Exception):
            self._answers.write(describe(frame, self._source.title))
        elif frame is None:
            self._answers.write({"is": "end"})
        elif self._ring is None or frame.image.nbytes > self._ring.slot_bytes:
            self._read_ahead, self._ahead = True, frame
            self._answers.write({"is": "need", "bytes": frame.image.nbytes})
        else:
            self._hand_over(frame, self._ring)

    def _hand_over(self, frame: Frame, ring: FrameRing) -> None:
        height, width = frame.image.shape[:2]
        place = ring.begin(self._slot, height, width)
        if not np.shares_memory(place, frame.image):
            np.copyto(place, frame.image)
        generation = ring.finish(self._slot)
        where = {"slot": self._slot, "generation": generation, "height": height, "width": width}
        self._slot = (self._slot + 1) % SLOTS
        when = {"index": frame.index, "time": frame.time, "captured": frame.captured}
        self._answers.write({"is": "frame", **where, **when})
        if not self._source.live:
            self._read_ahead, self._ahead = True, self._try_to_read()

    def _try_to_read(self) -> Frame | Exception | None:
        try:
            return self._source.read()
        except Exception as error:
            return error

    def _allocate(self, height: int, width: int) -> Image:
        """Let a source write where its picture is handed over."""
        if self._ring is None or 3 * height * width > self._ring.slot_bytes:
            return np.empty((height, width, 3), np.uint8)
        return self._ring.begin(self._slot, height, width)


def describe(error: Exception, title: str) -> Message:
    """Return what to answer where something went wrong with a source."""
    if isinstance(error, SourceError):
        return {"is": "error", "lost": isinstance(error, SourceLostError), "sentence": str(error), "details": ""}
    cause = "there is not enough memory" if isinstance(error, MemoryError) else str(error) or type(error).__name__
    return {
        "is": "error",
        "lost": True,
        "sentence": f"{title} cannot be read: {cause}."[:1000],
        "details": "".join(traceback.format_exception(error))[-8000:],
    }


def serve(orders: IO[bytes], answers: Writer, open_source: Callable[[str], FrameSource]) -> None:
    """Carry out orders until there are no more; the first one says what to open."""
    reader: Reader | None = None
    try:
        while (got := read_message(orders)) is not None:
            order = got[0]
            if reader is not None:
                reader.obey(order)
                continue
            try:
                source = open_source(order["spec"])
            except Exception as error:
                answers.write(describe(error, short_name(order["spec"])))
                continue
            reader = Reader(source, answers)
            answers.write(_introduce(source), np.asarray(source.times, np.float64).tobytes())
    except OSError:
        pass  # nobody listens any more
    finally:
        if reader is not None:
            reader.close()


def _introduce(source: FrameSource) -> Message:
    names = ("title", "live", "width", "height", "fps", "gives", "stands_still")
    return {"is": "opened", **{name: getattr(source, name) for name in names}}


def _beat(answers: Writer) -> None:
    """Tell again and again that this process is alive: one that hangs in a driver is, one that is stopped is not."""
    try:
        while True:
            answers.write({"is": "beat"})
            time.sleep(BEAT_EVERY)
    except (OSError, ValueError):
        os._exit(0)


def _confine() -> None:
    """Give up what a reader never needs, so that a file that takes it over gets less: writing, and endless memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the window
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(open_source: Callable[[str], FrameSource] = open_source) -> None:
    """Serve on the standard streams."""
    _confine()
    # What libraries print must not come between the answers.
    answers = Writer(io.BufferedWriter(io.FileIO(os.dup(1), "wb")))
    os.dup2(2, 1)
    answers.write({"is": "ready", "now": time.perf_counter()})
    threading.Thread(target=_beat, args=(answers,), daemon=True).start()
    serve(sys.stdin.buffer, answers, open_source)
    # Without waiting for what a driver may never give back.
    os._exit(0)


if __name__ == "__main__":
    main()
