from __future__ import annotations

import pytest
import torch

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.models import model_figures, rivals, time_models

CONDITIONS = Conditions("resnet18", size=64, rounds=3, device=torch.device("cpu"))


def test_what_each_costs_is_set_beside_what_it_multiplies_and_adds():
    wanted = ("one glance", "plain resnet18", "TMNet, 2 frames", "TSN, 8 frames", "TSM, 8 frames", "R3D-18")
    found = [rival for rival in rivals("resnet18", 64) if rival.title.startswith(wanted)]
    timings, adds = time_models(found, CONDITIONS)
    figures = {figure.what: figure for figure in model_figures("resnet18", timings, adds)}
    # BB and CB are a ResNet-18, RB is its second half once more.
    assert adds["one glance"] / adds["plain resnet18"] == pytest.approx(1.45, abs=0.01)
    assert adds["TSN, 8 frames"] / adds["plain resnet18"] == pytest.approx(8, rel=1e-3)
    promised = adds["TSN, 8 frames"] / adds["one glance"]
    assert figures["TSN, 8 frames / one glance"].limit == f">= {0.92 * promised:.2f}"
    assert figures["TSM, 8 frames / TMNet, 2 frames"].limit.startswith(">= 3.")
    assert figures["TSN, 8 frames / one glance"].value > 1.5


def test_all_networks_of_the_paper_s_figures_are_there():
    titles = [rival.title for rival in rivals("resnet50", 224)]
    for name in ("TMNet, 4 frames", "TMNet, 8 frames", "TSN, 8", "TSM, 8", "R3D-18", "I3D-R50", "SlowOnly-R50"):
        assert any(title.startswith(name) for title in titles), name
    timings = Timings(dict.fromkeys(titles, (1.0, 1.0)))
    figures = model_figures("resnet50", timings, dict.fromkeys(titles, 10**9))
    assert figures[0].limit == "<= 1.62"
