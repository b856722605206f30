"""Pictures in shared memory: a ring of slots, each with the generation of what it holds."""

from __future__ import annotations

import contextlib
import shutil
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import SourceError
from tmnet_core.live.sources.source import Allocate

SLOTS = 2  # one is looked at while the other is filled
_HEADER = 64


class FrameRing:
    """The writer's or the reader's end of the memory; both know its name and how many bytes a slot has.

    A slot's generation is odd while it is written, and another one whenever its content is.
    """

    def __init__(self, memory: SharedMemory, slot_bytes: int, *, owner: bool) -> None:
        self.name = memory.name
        self.slot_bytes = slot_bytes
        self._memory = memory
        self._owner = owner

    @classmethod
    def create(cls, slot_bytes: int) -> FrameRing:
        """Make the memory; SourceError where there is not so much of it."""
        slot_bytes = -(-slot_bytes // _HEADER) * _HEADER
        size = SLOTS * (_HEADER + slot_bytes)
        folder = Path("/dev/shm")
        # Linux grants more than there is, and kills whoever uses it.
        if folder.is_dir() and shutil.disk_usage(folder).free < size:
            raise SourceError(f"There is not enough shared memory for its pictures: {size / 2**20:.0f} MiB are needed.")
        return cls(SharedMemory(create=True, size=size), slot_bytes, owner=True)

    @classmethod
    def attach(cls, name: str, slot_bytes: int) -> FrameRing:
        """Take part in memory that another process made and will remove."""
        if sys.version_info >= (3, 13):
            return cls(SharedMemory(name, track=False), slot_bytes, owner=False)
        # Until then whoever attaches is taken for an owner, whose tracker removes the memory under the others.
        register = resource_tracker.register
        resource_tracker.register = lambda name, rtype: None
        try:
            return cls(SharedMemory(name), slot_bytes, owner=False)
        finally:
            resource_tracker.register = register

    def begin(self, slot: int, height: int, width: int) -> Image:
        """Return a slot's memory as a picture to be written."""
        generation = self._generation(slot)
        generation[0] += 1 + generation[0] % 2
        return self._picture(slot, height, width)

    def finish(self, slot: int) -> int:
        """Declare a slot written; returns its generation."""
        generation = self._generation(slot)
        generation[0] += 1
        return int(generation[0])

    def copy(self, slot: int, generation: int, height: int, width: int, allocate: Allocate) -> Image | None:
        """Return a copy of a slot's picture; None where the slot does not hold that generation all along."""
        if not (0 <= slot < SLOTS and min(height, width) > 0 and 3 * height * width <= self.slot_bytes):
            return None
        if self._generation(slot)[0] != generation:
            return None
        image = allocate(height, width)
        np.copyto(image, self._picture(slot, height, width))
        return image if self._generation(slot)[0] == generation else None

    def close(self) -> None:
        """Let go of the memory; its owner removes it."""
        # A picture that somebody still looks at keeps the mapping, not the name.
        with contextlib.suppress(BufferError):
            self._memory.close()
        if self._owner:
            self._owner = False
            self._memory.unlink()

    @property
    def _buffer(self) -> memoryview[int]:
        buffer = self._memory.buf
        assert buffer is not None, "the memory was let go of"
        return buffer

    def _generation(self, slot: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        return np.frombuffer(self._buffer, np.uint64, 1, slot * (_HEADER + self.slot_bytes))

    def _picture(self, slot: int, height: int, width: int) -> Image:
        start = slot * (_HEADER + self.slot_bytes) + _HEADER
        return np.frombuffer(self._buffer, np.uint8, 3 * height * width, start).reshape(height, width, 3)
