"""The window's held glance rate beside the network alone, and how late its timers are while a network computes."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app

_LATENESS_MINUTES = 2.0


def measure(conditions: Conditions) -> list[Figure]:
    """Let the window measure how often a second it looks and how late its timers are."""
    return [*measure_app("live"), *measure_app("lateness", "--minutes", str(_LATENESS_MINUTES))]
