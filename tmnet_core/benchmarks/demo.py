"""How long a newcomer waits for the demo's first answer."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app

MOST_ROUNDS = 10  # each starts two processes, which takes a quarter of a minute


def measure(conditions: Conditions) -> list[Figure]:
    """Start the demo again and again, in turns with a process that imports torch."""
    return measure_app("first-look", "--rounds", str(min(conditions.rounds, MOST_ROUNDS)))
