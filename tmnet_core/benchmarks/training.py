"""What a run that trains on all cores leaves of the window."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app


def measure(conditions: Conditions) -> list[Figure]:
    """Let the window measure its timers, its video and its curves while a run trains beside it."""
    return measure_app("training")
