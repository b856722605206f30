import pytest
import torch

from tmnet_core.benchmarks import engines
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.engines import engine_figures, time_engines
from tmnet_core.benchmarks.interleaved import Timings

CONDITIONS = Conditions("resnet18", size=64, rounds=3, device=torch.device("cpu"))


def test_every_engine_is_set_against_eager_torch_and_the_plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def torch_alone(*arguments: object) -> object:
        return {name: opener for name, opener in every_opener(*arguments).items() if name == "torch"}

    every_opener = engines._openers
    monkeypatch.setattr(engines, "_openers", torch_alone)
    figures = engine_figures("resnet18", time_engines(CONDITIONS), 10**9)
    found = {figure.what: figure for figure in figures}
    assert {"torch / torch eager", "torch / torch, plain", "torch, maps / torch, no maps"} <= set(found)
    # RB alone leaves out the second half of a ResNet-18, which is a third of a glance.
    assert found["torch, RB / torch"].value < 0.95
    assert all(figure.spread is not None for figure in figures)


def test_the_reach_is_told_where_there_is_one() -> None:
    names = ["onnxruntime", "onnxruntime, plain", "onnxruntime, RB", "onnxruntime, CB"]
    names += ["onnxruntime, maps", "onnxruntime, no maps", engines.EAGER, engines.MATRIX_PRODUCT]
    timings = Timings(dict.fromkeys(names, (1.0, 1.0)))
    (beside,) = (figure for figure in engine_figures("resnet50", timings, 2 * 1024**3) if "at the rate" in figure.what)
    assert beside.value == 0.5
    assert beside.limit == "<= 1.05"
    limits = {figure.what: figure.limit for figure in engine_figures("resnet50", timings, 2 * 1024**3)}
    assert limits["the CPU's default, here onnxruntime / torch eager"] == "<= 0.63"
    assert limits["onnxruntime / torch eager"] == ""
    assert limits["onnxruntime / onnxruntime, plain"] == "<= 1.62"
    others = {figure.what: figure.limit for figure in engine_figures("mobilenet_v2", timings, 10**9)}
    assert others["the CPU's default, here onnxruntime / torch eager"] == ""


def test_the_cpu_s_default_is_the_faster_of_the_engines_that_automatic_compares() -> None:
    seconds = {engines.EAGER: 4.0, engines.ONNXRUNTIME: 3.0, engines.NCNN: 2.0, engines.MATRIX_PRODUCT: 1.0}
    for name in (engines.ONNXRUNTIME, engines.NCNN):
        seconds |= {f"{name}, {part}": 1.0 for part in ("plain", "RB", "CB", "maps", "no maps")}
    timings = Timings({name: (value,) * 3 for name, value in seconds.items()})
    found = {figure.what: figure for figure in engine_figures("resnet18", timings, 10**9)}
    default = found["the CPU's default, here ncnn / torch eager"]
    assert (default.value, default.limit) == (0.5, "<= 0.58")
    found = {figure.what: figure for figure in engine_figures("resnet18", timings, 10**9, threads=4)}
    assert found["the CPU's default, here onnxruntime / torch eager"].value == 0.75
