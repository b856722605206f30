from __future__ import annotations

import pytest
import torch

from tmnet_core.benchmarks import stages
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.registry import BENCHMARKS
from tmnet_core.errors import TMNetError

CPU = Conditions("resnet18", size=64, rounds=3, device=torch.device("cpu"))


def test_every_stage_of_a_glance_has_its_share(monkeypatch, make_video):
    monkeypatch.setattr(stages, "_drawing", lambda: [])
    video = make_video(frames=5, size=(160, 120))
    figures = stages.measure(Conditions("resnet18", 64, 3, torch.device("cpu"), data=video))
    names = [figure.what.partition(" / ")[0] for figure in figures]
    assert names == ["decode", "preprocess", "normalise", "BB", "RB", "CB", "probabilities and maps"]
    assert sum(figure.value for figure in figures) == pytest.approx(1, abs=0.25)
    shares = dict(zip(names, (figure.value for figure in figures), strict=True))
    assert shares["BB"] > shares["probabilities and maps"]


def test_a_folder_without_videos_is_named(tmp_path):
    with pytest.raises(TMNetError, match="it holds no video"):
        stages.measure(Conditions("resnet18", 64, 3, torch.device("cpu"), data=tmp_path))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["glance", "engines", "models", "stages"])
def test_on_cuda_every_benchmark_measures(name):
    (benchmark,) = (one for one in BENCHMARKS if one.name == name)
    figures = benchmark.measure(Conditions("resnet18", 64, 3, torch.device("cuda")))
    assert figures
    assert all(figure.value > 0 for figure in figures)
