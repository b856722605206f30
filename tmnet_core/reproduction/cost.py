"""What a line's network costs for what it looks at: multiply-adds, and how many such inputs a second it does here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from tmnet_core.benchmarks.interleaved import time_interleaved
from tmnet_core.models.costs import clip_multiply_adds
from tmnet_core.models.tmnet import use_channels_last
from tmnet_core.models.variants import build_model
from tmnet_core.reproduction.plan import Line

_ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """Of one input, a clip or a frame, in one crop."""

    multiply_adds: int
    inputs_per_second: float


def measure_costs(lines: Sequence[Line], classes: int, device: torch.device) -> Mapping[str, Cost]:
    """Return the costs of lines by key; speeds are medians of one run, interleaved, batch 1, random weights."""
    adds, cases = {}, {}
    for line in lines:
        if line.recipe is not None:
            frames, size = max(1, line.look.frames), line.recipe.clip.glance_size or line.recipe.clip.size
            adds[line.key] = clip_multiply_adds(line.recipe.model, frames, size, classes)
            cases[line.key] = _case(line, frames, size, classes, device)
    if not cases:
        return {}
    timings = time_interleaved(cases, _ROUNDS, warmup=1)
    return {key: Cost(adds[key], 1.0 / timings.median(key)) for key in cases}


def _case(line: Line, frames: int, size: int, classes: int, device: torch.device) -> Callable[[], object]:
    assert line.recipe is not None
    model = build_model(line.recipe.model, classes).eval().to(device)
    use_channels_last(model)
    clip = torch.randn(1, frames, 3, size, size, device=device)
    key_frame = torch.full((1,), 0.5, device=device)

    @torch.inference_mode()
    def run() -> None:
        model(clip, key_frame)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run
