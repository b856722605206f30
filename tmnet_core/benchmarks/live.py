"""The window's held glance rate beside the network alone."""

from __future__ import annotations

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.window import measure_app


def measure(conditions: Conditions) -> list[Figure]:
    """Let the window measure how often a second it looks and how late its timers are."""
    return measure_app("live")
