import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import typer

from tmnet_core.benchmarks import registry, rendering
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.benchmarks.registry import BENCHMARKS
from tmnet_core.benchmarks.report import Report, Section, run_benchmarks
from tmnet_core.cli import app

SMALL = Conditions("resnet18", size=64, rounds=3, device=torch.device("cpu"))


def test_one_glance_is_measured_if_nothing_is_named() -> None:
    (section,) = run_benchmarks((), SMALL, "tmnet bench").sections
    glance, maps = section.figures
    # The second half of a ResNet-18 runs twice in a glance; the maps are one small product.
    assert 1.0 < glance.value < 2.5
    assert maps.value < 1.5
    assert glance.spread is not None
    assert glance.spread[0] <= glance.value <= glance.spread[1]


def test_figures_are_written_as_json_and_markdown(tmp_path: Path) -> None:
    figure = Figure(what="a / b", value=1.25, spread=(1.2, 1.3), limit="<= 1.55", detail="5 ms / 4 ms")
    sections = [Section(name="x", title="Two things", figures=[figure])]
    report = Report(machine=describe_machine(torch.device("cpu")), command="tmnet bench", sections=sections)
    report.write(tmp_path / "figures.json")
    report.write(tmp_path / "figures.md")
    assert json.loads((tmp_path / "figures.json").read_text())["sections"][0]["figures"][0]["value"] == 1.25
    text = (tmp_path / "figures.md").read_text()
    assert "**Two things**" in text
    assert "| a / b | 1.250 | 1.200 to 1.300 | <= 1.55 | 5 ms / 4 ms |" in text


def test_the_report_says_on_what_it_was_measured() -> None:
    machine = describe_machine(torch.device("cpu"))
    assert machine.matrix_gflops > 0
    assert f"torch {torch.__version__}, onnxruntime 1." in str(machine)
    assert "under a load of 2.5" in str(machine.model_copy(update={"load": 2.5}))


def test_every_benchmark_is_an_option_and_a_file_that_measures() -> None:
    command = typer.main.get_command(app).commands["bench"]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    for benchmark in BENCHMARKS:
        assert f"--{benchmark.name}" in options
        module = Path(registry.__file__).with_name(f"{benchmark.name}.py").read_text(encoding="utf-8")
        assert "def measure(conditions: Conditions) -> list[Figure]:" in module


def test_what_is_asked_for_is_measured_in_the_registry_s_order_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "SECONDS", 0.2)
    small = ("training.batch_size=4", "clip.frames=2", "clip.size=32", "data.synthetic_clips=24")
    monkeypatch.setattr(rendering, "time_feeding", partial(rendering.time_feeding, overrides=small))
    told: list[tuple[int, int]] = []
    report = run_benchmarks(["rendering", "glance"], replace(SMALL, size=32), "", show_progress=Bar(told))
    assert [section.name for section in report.sections] == ["glance", "rendering"]
    assert "frames/s on one core" in report.sections[1].figures[0].detail
    assert told[-1] == (3, 3)


class Bar:
    """A progress bar that writes down what it is told."""

    def __init__(self, told: list[tuple[int, int]]) -> None:
        self.told = told

    def __call__(self, title: str) -> "Bar":
        return self

    def __enter__(self) -> Callable[[int, int], None]:
        return lambda done, total: self.told.append((done, total))

    def __exit__(self, *details: object) -> None:
        pass
