from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import numpy as np
import psutil
import pytest
import torch

from tmnet_core.errors import EngineError
from tmnet_core.live.engines import export_cache, exported_engines
from tmnet_core.live.engines.choice import ENGINES, available_engines, default_threads, open_engine, prepare_engine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export_cache import cached_export, forget_oldest
from tmnet_core.live.engines.exported_engines import ExportedEngines
from tmnet_core.live.engines.handover_engine import HandoverEngine
from tmnet_core.live.engines.ncnn_export import weights_of, why_no_ncnn
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own for each test."""
    monkeypatch.setattr(export_cache, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def exporting() -> list[psutil.Process]:
    """The exports under way; a process that has just been forked is not called so yet."""
    return [child for child in psutil.Process().children() if "export" in child.cmdline()]


def refusals(device: str, **names) -> dict[str, str | None]:
    return {offer.name: offer.refused for offer in available_engines(device, **names)}


def test_every_engine_is_offered_or_refused_with_a_reason():
    found = refusals("cpu")
    assert set(found) == set(ENGINES) - {"auto"}
    ncnn = set() if why_no_ncnn() else {"ncnn"}
    assert {name for name, reason in found.items() if reason is None} == {"onnxruntime", "torch"} | ncnn
    assert found["torch-bf16"] == "bf16 is far slower than fp32 on a CPU without hardware for it"
    assert found["torch-fp16"] == "fp16 needs a CUDA device"
    assert "tmnet export --int8" in found["onnxruntime-int8"]


def test_an_exported_file_runs_in_onnxruntime_alone(exported):
    offered = {name for name, reason in refusals("cpu", checkpoint=exported.onnx).items() if reason is None}
    assert offered == {"onnxruntime", "onnxruntime-int8"}
    with pytest.raises(EngineError, match="engine torch: an exported file runs in onnxruntime alone"):
        open_engine(exported.onnx, "cpu", "torch")


@pytest.mark.parametrize("name", ["torch-fp16", "torch-bf16", "onnxruntime-int8"])
def test_a_refused_engine_says_why(exported, name):
    with pytest.raises(EngineError, match=f"engine {name}: "):
        open_engine(exported.checkpoint, "cpu", name)


def test_an_unknown_engine_is_named(exported):
    with pytest.raises(EngineError, match="engine 'tensorrt': not an engine; choose one of auto, onnxruntime"):
        open_engine(exported.checkpoint, "cpu", "tensorrt")


def test_without_onnxruntime_torch_goes_on_and_says_so(exported, real_frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu")
    assert predictor.engine.startswith("CPU · torch fp32 (onnxruntime cannot be used here: ")
    assert predictor.glance(real_frames[0]).probabilities
    assert "cannot be used here" in refusals("cpu")["onnxruntime"]
    with pytest.raises(EngineError, match="engine onnxruntime: onnxruntime cannot be used here"):
        GlancePredictor.from_file(exported.checkpoint, "cpu", "onnxruntime")
    with pytest.raises(EngineError, match="onnxruntime cannot be used here"):
        GlancePredictor.from_file(exported.onnx, "cpu")


def test_one_core_is_left_to_everything_else(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert default_threads() == 7
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert default_threads() == 2
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert default_threads() == 1


def test_torch_looks_until_the_faster_engine_is_ready_and_the_next_time_it_is_there(exported, real_frames, cache):
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=1)
    for _ in range(30):
        first = predictor.glance(real_frames[0])
    assert predictor.engine == "CPU · torch fp32, preparing a faster engine"
    seen, deadline = [], time.monotonic() + 120
    while "preparing" in predictor.engine and time.monotonic() < deadline:
        seen.append(predictor.engine)
        predictor.glance(real_frames[0])
    if why_no_ncnn() is None:
        assert "CPU · onnxruntime fp32, preparing a faster engine" in seen
    second = predictor.glance(real_frames[0])
    kept = cached_export(exported.checkpoint)
    fastest = kept.fastest() if why_no_ncnn() is None else "onnxruntime"
    assert predictor.engine == f"CPU · {fastest} fp32"
    for branch, values in first.probabilities.items():
        np.testing.assert_allclose(second.probabilities[branch], values, atol=1e-4)
    predictor.close()
    there = [kept.onnx] if why_no_ncnn() else [kept.onnx, kept.ncnn, weights_of(kept.ncnn)]
    assert set(there) <= set(cache.iterdir())
    again = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=1)
    assert again.engine == f"CPU · {fastest} fp32"
    again.close()


@pytest.fixture
def kept(exported, cache):
    """Exports for both engines of the checkpoint, in the cache."""
    if exported.ncnn is None:
        pytest.skip("ncnn and pnnx have no wheel for this machine")
    kept = cached_export(exported.checkpoint)
    cache.mkdir()
    for whence, to in (
        (exported.onnx, kept.onnx),
        (exported.ncnn, kept.ncnn),
        (weights_of(exported.ncnn), weights_of(kept.ncnn)),
    ):
        to.write_bytes(whence.read_bytes())
    return kept


@pytest.mark.parametrize("winner", ["onnxruntime", "ncnn"])
def test_the_engine_that_was_fastest_on_this_machine_is_opened(exported, kept, winner, monkeypatch):
    kept.remember_fastest(winner)
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=1)
    assert predictor.engine == f"CPU · {winner} fp32"
    predictor.close()
    monkeypatch.setattr(export_cache, "this_host", lambda: "another")
    assert kept.fastest() is None


def test_several_threads_are_left_to_onnxruntime_since_those_of_ncnn_stall(exported, kept):
    kept.remember_fastest("ncnn")
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=2)
    assert predictor.engine == "CPU · onnxruntime fp32"
    predictor.close()


def made(names: list[str]):
    """What exports in the background, and finds everything done; it notes what it is asked for."""

    def export(checkpoint, out, engines, cancelled, **options):
        names.extend(engines)
        return iter(engines)

    return export


@pytest.mark.parametrize("faster", [True, False])
def test_ncnn_takes_over_from_onnxruntime_if_it_is_faster(exported, kept, monkeypatch, faster):
    asked: list[str] = []
    monkeypatch.setattr(exported_engines, "export_apart", made(asked))
    monkeypatch.setattr(exported_engines, "is_faster", lambda *arguments: faster)
    engines = ExportedEngines(exported.checkpoint, exported.header.preprocessing, threads=1)
    found = engines.find("auto")
    assert found.title == "onnxruntime fp32"
    assert not engines.is_settled("auto")
    better = list(engines.make("auto", threading.Event()))
    assert [engine.title for engine in better] == ["ncnn fp32"] * faster
    assert asked == []
    assert kept.fastest() == ("ncnn" if faster else "onnxruntime")
    assert engines.is_settled("auto")
    for engine in (found, *better):
        engine.close()


def test_an_export_that_is_kept_looks_from_the_first_frame_while_ncnn_is_made(exported, kept, real_frames, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(exported_engines, "export_apart", made(asked))
    kept.ncnn.unlink()
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=1)
    assert predictor.engine == "CPU · onnxruntime fp32"
    for _ in range(30):
        predictor.glance(real_frames[0])
    predictor._engine.wait(20)
    predictor.glance(real_frames[0])
    assert asked == ["ncnn"]
    assert predictor.engine.startswith("CPU · onnxruntime fp32 (")
    assert "ncnn cannot read it" in predictor.engine
    predictor.close()


def test_what_fails_is_told_and_decides_nothing(exported, kept, monkeypatch):
    def fail(*arguments, **options):
        yield from ()
        raise EngineError("the export ended with status 1: no space left on device")

    monkeypatch.setattr(exported_engines, "export_apart", fail)
    engines = ExportedEngines(exported.checkpoint, exported.header.preprocessing, threads=1)
    for name in ("auto", "ncnn"):
        with pytest.raises(EngineError, match="no space left on device"):
            next(engines.make(name, threading.Event()))
    assert kept.fastest() is None


def test_a_comparison_that_is_cancelled_decides_nothing(exported, kept, monkeypatch):
    monkeypatch.setattr(exported_engines, "export_apart", made([]))
    cancelled = threading.Event()
    cancelled.set()
    engines = ExportedEngines(exported.checkpoint, exported.header.preprocessing, threads=1)
    assert list(engines.make("auto", cancelled)) == []
    assert kept.fastest() is None


def test_clips_are_left_to_onnxruntime(exported, kept):
    with pytest.raises(EngineError, match="engine ncnn: it looks at single frames, not at clips"):
        open_engine(exported.checkpoint, "cpu", "ncnn", frames=4)
    with pytest.raises(EngineError, match="engine ncnn: it looks at single frames, not at clips"):
        prepare_engine(exported.checkpoint, "cpu", "ncnn", frames=4)


@pytest.mark.parametrize("engine", ["onnxruntime", "ncnn"])
def test_a_damaged_export_goes_and_leaves_the_other_s(exported, kept, engine, cache):
    kept.remember_fastest(engine)
    damaged = kept.ncnn if engine == "ncnn" else kept.onnx
    damaged.write_bytes(b"damaged")
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", threads=1)
    assert predictor.engine == "CPU · torch fp32"
    left = {kept.onnx} if engine == "ncnn" else {kept.ncnn, weights_of(kept.ncnn)}
    assert set(cache.iterdir()) == left
    predictor.close()


def test_a_command_waits_for_the_engine_that_it_names(exported, cache, monkeypatch):
    """Once; a second time there is nothing to wait for."""
    prepare_engine(exported.checkpoint, "cpu", "onnxruntime")
    assert [path.suffix for path in cache.iterdir()] == [".onnx"]
    asked: list[str] = []
    monkeypatch.setattr(exported_engines, "export_apart", made(asked))
    prepare_engine(exported.checkpoint, "cpu", "onnxruntime")
    prepare_engine(exported.checkpoint, "cpu", "auto")
    prepare_engine(exported.checkpoint, "cpu", "torch")
    prepare_engine(exported.onnx, "cpu", "onnxruntime")
    assert asked == []
    with pytest.raises(EngineError, match="engine 'tensorrt': not an engine"):
        prepare_engine(exported.checkpoint, "cpu", "tensorrt")


def test_what_a_cancelled_process_has_started_ends_with_it(tmp_path):
    """As the converter of ncnn, which the exporting process starts."""
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)"
    with export_cache._started([sys.executable, "-c", program], str(tmp_path), tmp_path / "said") as process:
        deadline = time.monotonic() + 20
        while not psutil.Process(process.pid).children() and time.monotonic() < deadline:
            time.sleep(0.01)
        (grandchild,) = psutil.Process(process.pid).children()
    assert process.returncode
    psutil.wait_procs([grandchild], timeout=10)
    assert not grandchild.is_running()


def test_an_export_yields_the_processor_and_ends_with_the_engine(
    exported, wait_until, background_yields, tmp_path, monkeypatch
):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu", "onnxruntime")
    own = psutil.Process().nice()
    wait_until(lambda: [child for child in exporting() if child.nice() > own])
    left = list(scratch.iterdir())
    predictor.close()
    assert left
    assert not exporting()
    assert list(scratch.iterdir()) == []


def test_a_few_glances_start_no_export(exported, real_frames):
    predictor = GlancePredictor.from_file(exported.checkpoint, "cpu")
    for frame in real_frames:
        predictor.glance(frame)
    assert predictor.engine == "CPU · torch fp32"
    assert not exporting()
    predictor.close()


def test_an_export_that_fails_leaves_torch_at_work_and_says_why(exported, real_images):
    def fail(cancelled: threading.Event) -> Iterator[Engine]:
        yield from ()
        raise EngineError("the disk is full")

    engine = HandoverEngine(TorchEngine(exported.model, exported.header.preprocessing), fail, "onnxruntime")
    engine.wait(10)
    assert engine.look(real_images[:1]).probabilities
    assert engine.title == "torch fp32 (the disk is full)"
    engine.close()


def test_engines_change_between_two_glances_and_the_first_is_closed(exported, real_images):
    go = threading.Event()
    first = TorchEngine(exported.model, exported.header.preprocessing)

    def prepare(cancelled: threading.Event) -> Iterator[Engine]:
        go.wait(10)
        yield OnnxruntimeEngine(exported.onnx)

    engine = HandoverEngine(first, prepare, "onnxruntime", after=2)
    engine.look(real_images[:1])
    assert engine.title == "torch fp32"
    before = engine.look(real_images[:1]).probabilities[Branch.RB]
    assert engine.title == "torch fp32, preparing onnxruntime"
    go.set()
    engine.wait(10)
    np.testing.assert_allclose(engine.look(real_images[:1]).probabilities[Branch.RB], before, atol=1e-4)
    assert engine.title == "onnxruntime fp32"
    with pytest.raises(EngineError, match="closed"):
        first.look(real_images[:1])
    engine.close()


def test_the_cache_keeps_what_was_used_last(tmp_path):
    import os

    for number in range(5):
        for suffix in ("onnx", "param", "bin", "fastest") if number != 3 else ("param", "bin"):
            path = tmp_path / f"{number}.{suffix}"
            path.write_bytes(b"")
            os.utime(path, (number, number))
    forget_oldest(tmp_path, kept=2)
    assert {path.stem for path in tmp_path.iterdir()} == {"3", "4"}
    assert len(list(tmp_path.iterdir())) == 6


def test_another_content_is_another_export(exported, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(exported.checkpoint.read_bytes())
    assert cached_export(copy) == cached_export(exported.checkpoint)
    copy.write_bytes(b"something else")
    assert cached_export(copy) != cached_export(exported.checkpoint)
