from __future__ import annotations

import torch

from tmnet_core.benchmarks import attention
from tmnet_core.benchmarks.conditions import Conditions


def test_motion_agreement_memory_and_rendering_are_measured(monkeypatch):
    monkeypatch.setattr(attention, "FRAMES", 6)
    # By what is computed, not by what is waited for: other tests and programs want the cores too.
    conditions = Conditions("mobilenet_v2", size=64, rounds=3, device=torch.device("cpu"), clock="processor")
    figures = {figure.what.partition(" / ")[0]: figure for figure in attention.measure(conditions)}
    assert list(figures) == [
        "motion of a 320×240 frame",
        "motion and agreement of both maps",
        "a clip of 8 frames from memory",
        "tmnet render, frames a second",
    ]
    # It takes some 1.3 times as long as the flow, and the memory a fraction of a glance.
    assert figures["motion of a 320×240 frame"].value < 3
    assert figures["a clip of 8 frames from memory"].value < 0.5
    assert "decode" in figures["tmnet render, frames a second"].detail
