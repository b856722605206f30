"""How long the window takes to show what was asked for."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app


def measure(conditions: Conditions) -> list[Figure]:
    """Let the window open, pause, seek and step, in interleaved rounds."""
    return measure_app("opening", "--rounds", str(conditions.rounds))
