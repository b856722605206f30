"""How the learning rate changes over a run (paper IV-E)."""

from __future__ import annotations

import math

from tmnet_core.config import ScheduleSection


def learning_rate_factor(iteration: int, schedule: ScheduleSection) -> float:
    """Return the factor of the initial learning rate at an iteration, counted from 0."""
    warmup = min(1.0, (iteration + 1) / schedule.warmup) if schedule.warmup else 1.0
    if schedule.kind == "cosine":
        return warmup * 0.5 * (1.0 + math.cos(math.pi * min(1.0, iteration / schedule.iterations)))
    passed = sum(iteration >= milestone for milestone in schedule.milestones)
    return warmup * 10.0**-passed
