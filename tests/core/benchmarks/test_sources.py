from __future__ import annotations

import torch

from tmnet_core.benchmarks import sources
from tmnet_core.benchmarks.conditions import Conditions


def test_both_ways_of_reading_are_measured(monkeypatch) -> None:
    monkeypatch.setattr(sources, "SIZES", {"small": (64, 48)})
    monkeypatch.setattr(sources, "FRAMES", 30)
    cpu, wall = sources.measure(Conditions("resnet18", 224, 3, torch.device("cpu")))
    assert "small" in cpu.what
    assert wall.value > 0
