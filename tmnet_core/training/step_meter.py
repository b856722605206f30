"""What one `stepped` event says of the steps before it."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor

from tmnet_core.models.objective import Losses
from tmnet_core.training.events import Stepped


class StepMeter:
    """Collects steps for one `stepped` event; the losses stay on the device until then."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._losses: list[Losses] = []
        self._clips = 0
        self._since = time.perf_counter()

    def add(self, losses: Losses, clips: int) -> None:
        """Take in one step."""
        self._losses.append(losses)
        self._clips += clips

    def seconds(self) -> float:
        """Return the time since the last event."""
        return time.perf_counter() - self._since

    def leave_out(self, since: float) -> None:
        """Leave out of the rate the time since `since`, by `time.perf_counter`: it was not training."""
        self._since += time.perf_counter() - since

    def take(self, iteration: int, epoch: int, learning_rate: float) -> Stepped:
        """Return the event of the steps collected, and begin anew."""
        losses, rate = self._losses, self._clips / max(self.seconds(), 1e-9)
        self._losses, self._clips = [], 0
        self._since = time.perf_counter()
        regression = [loss.regression for loss in losses if loss.regression is not None]
        return Stepped(
            iteration=iteration,
            epoch=epoch,
            loss=_mean([loss.total for loss in losses]),
            classification_loss=_mean([loss.classification for loss in losses]),
            regression_loss=_mean(regression) if regression else None,
            learning_rate=learning_rate,
            clips_per_second=rate,
            memory_gib=peak_memory_gib(self._device),
        )


def peak_memory_gib(device: torch.device) -> float | None:
    """Return the most memory that tensors have held on a CUDA device so far, in GiB; None elsewhere."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None


def _mean(values: list[Tensor]) -> float:
    return float(np.mean(torch.stack([value.detach() for value in values]).float().cpu().numpy()))
