"""How long each stage of the live path takes, over the last frames, and how much memory all of it holds."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import psutil

_KEPT = 240


class StageMeter:
    """Keeps the milliseconds of each stage over the last 240 frames."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[float]] = {}

    def note(self, milliseconds: Mapping[str, float]) -> None:
        """Add one frame."""
        for stage, value in milliseconds.items():
            self._kept.setdefault(stage, deque(maxlen=_KEPT)).append(value)

    def clear(self) -> None:
        """Begin anew, as for another engine."""
        self._kept.clear()

    @property
    def quantiles(self) -> dict[str, tuple[float, float]]:
        """By stage, what half of the frames and what 95 % of them stayed below, in milliseconds."""
        found = {stage: np.percentile(list(values), [50, 95]) for stage, values in self._kept.items()}
        return {stage: (float(half), float(most)) for stage, (half, most) in found.items()}


@dataclass(frozen=True, slots=True)
class Memory:
    """What this process holds, in bytes.

    Attributes:
        host: resident memory.
        device: what torch holds of a GPU's memory; None where no GPU is in use.
        device_free, device_total: of that GPU, for all processes.
    """

    host: int
    device: int | None = None
    device_free: int = 0
    device_total: int = 0


def read_memory() -> Memory:
    """Return what is held now; imports nothing that is not yet loaded."""
    host = int(psutil.Process().memory_info().rss)
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return Memory(host)
    free, total = torch.cuda.mem_get_info()
    return Memory(host, int(torch.cuda.memory_reserved()), int(free), int(total))
