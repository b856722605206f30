import json
from pathlib import Path

import pytest
import torch

from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.benchmarks.report import Figure, Report, run_benchmarks
from tmnet_core.errors import TMNetError


def test_a_small_benchmark_reports_its_ratios() -> None:
    report = run_benchmarks(
        "resnet18", size=64, rounds=3, live=False, soak_minutes=0, device="cpu", command="tmnet bench"
    )
    glance, maps = report.figures
    # The second half of a ResNet-18 runs twice in a glance; the maps are one small product.
    assert 1.0 < glance.value < 2.5
    assert maps.value < 1.5
    assert glance.spread is not None
    assert glance.spread[0] <= glance.value <= glance.spread[1]


def test_figures_are_written_as_json_and_markdown(tmp_path: Path) -> None:
    figure = Figure(what="a / b", value=1.25, spread=(1.2, 1.3), limit="<= 1.55", detail="5 ms / 4 ms")
    report = Report(machine=describe_machine(torch.device("cpu")), command="tmnet bench", figures=[figure])
    report.write(tmp_path / "figures.json")
    report.write(tmp_path / "figures.md")
    assert json.loads((tmp_path / "figures.json").read_text())["figures"][0]["value"] == 1.25
    assert "| a / b | 1.250 | 1.200 to 1.300 | <= 1.55 | 5 ms / 4 ms |" in (tmp_path / "figures.md").read_text()


def test_an_unknown_backbone_is_named() -> None:
    with pytest.raises(TMNetError, match="vgg"):
        run_benchmarks("vgg", size=64, rounds=3, live=False, soak_minutes=0, device="cpu", command="")


def test_rendering_is_reported_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tmnet_core.benchmarks.report.RENDERING_SECONDS", 0.2)
    report = run_benchmarks(
        "resnet18", size=32, rounds=3, live=False, soak_minutes=0, device="cpu", command="tmnet bench", rendering=True
    )
    assert "frames/s on one core" in report.figures[-1].detail
    assert report.figures[-1].value > 0
