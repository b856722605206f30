"""A source whose frames come from a reader process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.sources.remote.messages import Message
from tmnet_core.live.sources.remote.process import Limits, ReaderProcess
from tmnet_core.live.sources.remote.ring import FrameRing
from tmnet_core.live.sources.source import FrameSource
from tmnet_core.live.sources.specs import public_spec, short_name

logger = logging.getLogger(__name__)


class RemoteSource(FrameSource):
    """Any source, by its spec, read in a process of its own; `open` waits until it is there.

    A process that crashes or hangs raises SourceLostError: another RemoteSource can take its place.

    Args:
        spec: as `open_source` takes it.
        start: starts a reader process, or hands out one that was started ahead.
        went_well: called once the first frame has come, in the thread that reads.
    """

    def __init__(
        self,
        spec: str,
        start: Callable[[], ReaderProcess] = ReaderProcess,
        *,
        went_well: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
    ) -> None:
        self.title = short_name(spec)
        self.live = False
        self.width = self.height = 0
        self.fps = None
        self._spec = spec
        self._start = start
        self._went_well: Callable[[], None] | None = went_well
        self._limits = limits or Limits()
        self._process: ReaderProcess | None = None
        self._ring: FrameRing | None = None
        self._interrupted = False

    def open(self) -> None:
        """Wait for the source; SourceError if it cannot be opened, SourceLostError if that took the process along."""
        self._process = self._start()
        self._check()
        self._process.order({"do": "open", "spec": self._spec})
        answer, payload = self._answer(self._limits.open)
        try:
            self.title, self.live = str(answer["title"]), bool(answer["live"])
            self.width, self.height = int(answer["width"]), int(answer["height"])
            self.fps = None if answer["fps"] is None else float(answer["fps"])
            self.gives, self.stands_still = str(answer["gives"]), bool(answer["stands_still"])
            self.times = np.frombuffer(payload, np.float64).tolist()
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense() from error
        self._make_ring(3 * self.width * self.height)

    def read(self) -> Frame | None:
        """Return the next frame; None after the last."""
        process = self._reader()
        while True:
            process.order({"do": "read"})
            answer, _ = self._answer(self._limits.read)
            match answer.get("is"):
                case "end":
                    return None
                case "need":
                    self._make_ring(int(answer["bytes"]))
                case "frame":
                    return self._take(answer)
                case _:
                    raise self._nonsense()

    def seek(self, index: int) -> None:
        """Make this frame the next to be read; IndexError if there is none such."""
        if self.live:
            super().seek(index)
        if not 0 <= index < len(self.times):
            raise IndexError(f"{self.title} has {len(self.times)} frames, so none with index {index}.")
        self._reader().order({"do": "seek", "index": index})

    def interrupt(self) -> None:
        """End the process, and so whatever waits for it."""
        self._interrupted = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and free the memory."""
        process, self._process = self._process, None
        if process is not None:
            process.close()
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def _check(self) -> None:
        if self._interrupted:
            raise SourceLostError(f"{self.title} was let go of.")

    def _reader(self) -> ReaderProcess:
        if self._process is None:
            raise SourceError(f"{self.title} is not open.")
        return self._process

    def _answer(self, limit: float) -> tuple[Message, bytes]:
        try:
            answer, payload = self._reader().answer(limit, self._limits)
        except SourceLostError as error:
            self._check()
            told = SourceLostError(f"{self.title} gives no picture any more: {error}.")
            for note in getattr(error, "__notes__", ()):
                told.add_note(note)
            logger.warning("The reader of %s was lost: %s", public_spec(self._spec), error)
            raise told from None
        if answer.get("is") != "error":
            return answer, payload
        kind = SourceLostError if answer.get("lost") else SourceError
        refusal = kind(str(answer.get("sentence")))
        if answer.get("details"):
            refusal.add_note(str(answer["details"]))
        raise refusal

    def _make_ring(self, slot_bytes: int) -> None:
        before, self._ring = self._ring, FrameRing.create(slot_bytes)
        self._reader().order({"do": "ring", "name": self._ring.name, "bytes": self._ring.slot_bytes})
        if before is not None:
            before.close()

    def _take(self, answer: Message) -> Frame:
        assert self._ring is not None
        try:
            height, width = int(answer["height"]), int(answer["width"])
            slot, generation = int(answer["slot"]), int(answer["generation"])
            index, seconds = int(answer["index"]), float(answer["time"])
            captured = float(answer["captured"]) + self._reader().clock_shift
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense() from error
        image = self._ring.copy(slot, generation, height, width, self.allocate)
        if image is None:
            raise self._nonsense()
        self.width, self.height = width, height
        if self._went_well is not None:
            went_well, self._went_well = self._went_well, None
            went_well()
        # A frame of a file was read ahead, and is as old as it is when it is asked for.
        return Frame(image, index, seconds, captured if self.live else time.perf_counter())

    def _nonsense(self) -> SourceLostError:
        return SourceLostError(f"{self.title} gives no picture any more: its reader says what cannot be.")
