"""What a benchmark measures with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.benchmarks.interleaved import Clock, Timings, time_interleaved

if TYPE_CHECKING:
    import torch

    from tmnet_core.models.catalogue import BackboneName


def _say_nothing(done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was asked for on the command line, the same for every benchmark of a run.

    Attributes:
        backbone: the 2D network that TMNet is built on.
        size: side of the input, in pixels.
        rounds: interleaved rounds that count.
        device: where networks run; the engines' CPU threads are those of `torch.get_num_threads()`.
        data: a folder of real videos, where one was named.
        minutes: how long a soak lasts.
        frames: how many frames a soak paints in place of that, as fast as it can; 0: it goes by `minutes`.
        clock: what is timed where nothing but this thread computes, as `time_interleaved` says.
        progress: told (done, total) again and again.
    """

    backbone: BackboneName
    size: int
    rounds: int
    device: torch.device
    data: Path | None = None
    minutes: float = 10.0
    frames: int = 0
    clock: Clock = "wall"
    progress: Callable[[int, int], None] = _say_nothing

    def time(self, cases: Mapping[str, Callable[[], object]], before: Callable[[], object] = lambda: None) -> Timings:
        """Run the cases in turn, `rounds` times, and `before` each of them, untimed, what it needs."""
        return time_interleaved(cases, self.rounds, clock=self.clock, before=before, progress=self.progress)
