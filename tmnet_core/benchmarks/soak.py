"""Whether the window's memory grows while a video loops."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app


def measure(conditions: Conditions) -> list[Figure]:
    """Let the window play and watch its own memory for `conditions.minutes`, or `conditions.frames` in a hurry."""
    return measure_app("soak", "--minutes", str(conditions.minutes), "--frames", str(conditions.frames))
