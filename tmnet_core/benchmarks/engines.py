"""What the engines, the maps and the preprocessing cost beside what people would use instead."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tmnet_core import __version__
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.glance import CLASSES
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.machine import MATRIX_MULTIPLY_ADDS, MATRIX_PRODUCT, matrix_product
from tmnet_core.benchmarks.preprocessing import measure_preprocessing
from tmnet_core.checkpoint import CheckpointHeader, Provenance
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.live.engines.cuda_graph_engine import CudaGraphEngine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export import rendered_frames, write_onnx
from tmnet_core.live.engines.export_cache import NCNN, ONNXRUNTIME
from tmnet_core.live.engines.ncnn_engine import NcnnEngine
from tmnet_core.live.engines.ncnn_export import why_no_ncnn, write_ncnn
from tmnet_core.live.engines.network import GlanceNetwork
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.precision import STORED
from tmnet_core.live.engines.quantisation import quantise
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import BackboneName
from tmnet_core.models.costs import count_multiply_adds
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model

EAGER = "torch eager"
INT8 = "onnxruntime int8"
_CALIBRATION_FRAMES = 4
# One glance varies by more than the maps take, and so do two openings of one network, which lie elsewhere in memory.
_MAPS_ROUNDS, _MAPS_OPENINGS = 25, 5


def measure(conditions: Conditions) -> list[Figure]:
    """Return what each engine costs beside eager torch, the plain network, and parts of itself."""
    model = build_model(ModelConfig(backbone=conditions.backbone), CLASSES).eval()
    frame = torch.zeros(1, 3, conditions.size, conditions.size)
    adds = count_multiply_adds(lambda: model.glance(frame))
    figures = engine_figures(conditions.backbone, time_engines(conditions), adds)
    return [*figures, measure_preprocessing(conditions)]


def time_engines(conditions: Conditions) -> Timings:
    """Time one glance of an untrained network of 101 classes, batch 1, in each engine that this device has.

    The cases are `torch eager`, which is fp32 without any change to the network, and per engine NAME its whole glance,
    `NAME, plain` (a baseline of the same backbone, without maps), `NAME, RB` and `NAME, CB`; beside them a matrix
    product on the device. `NAME, maps` and `NAME, no maps` are timed apart from these.
    """
    backbone, size, device = conditions.backbone, conditions.size, conditions.device
    torch.manual_seed(0)
    preprocessing = Preprocessing(size=size)
    model = build_model(ModelConfig(backbone=backbone), CLASSES).eval()
    plain = build_model(ModelConfig(backbone=backbone, variant="tsn"), CLASSES).eval()
    image = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    cases: dict[str, Callable[[], object]] = {
        EAGER: _eager(model, preprocessing, image, device),
        MATRIX_PRODUCT: matrix_product(device),
    }
    opened: list[Engine] = []
    with tempfile.TemporaryDirectory() as folder:
        openers = _openers(preprocessing, device, Path(folder))
        try:
            for name, open_engine in openers.items():
                glancing, baseline = open_engine(model), open_engine(plain)
                opened += [glancing, baseline]
                cases[name] = partial(glancing.look, image)
                cases[f"{name}, plain"] = partial(baseline.look, image, maps=False)
                cases[f"{name}, RB"] = partial(glancing.look, image, [Branch.RB])
                cases[f"{name}, CB"] = partial(glancing.look, image, [Branch.CB])
            seconds = dict(conditions.time(cases).seconds)
        finally:
            for engine in opened:
                engine.close()
        for name, open_engine in openers.items():
            seconds |= _time_maps(name, partial(open_engine, model), image, conditions)
    return Timings(seconds)


def _time_maps(
    name: str, open_engine: Callable[[], Engine], image: Image, conditions: Conditions
) -> dict[str, tuple[float, ...]]:
    """Let glances with and without maps take turns alone, in as many rounds as so small a difference needs."""
    often = replace(conditions, rounds=max(conditions.rounds, _MAPS_ROUNDS))
    seconds: dict[str, tuple[float, ...]] = {}
    for _ in range(_MAPS_OPENINGS):
        with closing(open_engine()) as engine:
            pair = {
                f"{name}, maps": partial(engine.look, image),
                f"{name}, no maps": partial(engine.look, image, maps=False),
            }
            for case, found in often.time(pair).seconds.items():
                seconds[case] = (*seconds.get(case, ()), *found)
    return seconds


def _openers(preprocessing: Preprocessing, device: torch.device, folder: Path) -> dict[str, Callable[[TMNet], Engine]]:
    """Return what puts a network into each engine of a device, by the engine's name."""
    if device.type == "cuda":
        return {
            f"CUDA graph {precision}": partial(
                CudaGraphEngine, preprocessing=preprocessing, device=device, precision=precision
            )
            for precision in STORED
        }
    found: dict[str, Callable[[TMNet], Engine]] = {
        "torch": partial(TorchEngine, preprocessing=preprocessing, device=device)
    }
    if device.type == "cpu":
        found[ONNXRUNTIME] = partial(_in_onnxruntime, preprocessing=preprocessing, folder=folder)
        if why_no_ncnn() is None:
            found[NCNN] = partial(_in_ncnn, preprocessing=preprocessing, folder=folder)
        found[INT8] = partial(_in_int8, preprocessing=preprocessing, folder=folder)
    return found


def _in_onnxruntime(model: TMNet, preprocessing: Preprocessing, folder: Path) -> Engine:
    return OnnxruntimeEngine(_export(model, preprocessing, folder), threads=torch.get_num_threads())


def _in_int8(model: TMNet, preprocessing: Preprocessing, folder: Path) -> Engine:
    exported = _export(model, preprocessing, folder)
    path = exported.with_stem(f"{exported.stem}-int8")
    if not path.is_file():
        shutil.copy(exported, path)
        # An untrained network has nothing to lose: a few frames of people give ranges as good as any.
        frames = rendered_frames(_CALIBRATION_FRAMES)
        quantise(path, [preprocessing.cut(frame, preprocessing.place(*frame.shape[1::-1])) for frame in frames])
    return OnnxruntimeEngine(path, threads=torch.get_num_threads())


def _in_ncnn(model: TMNet, preprocessing: Preprocessing, folder: Path) -> Engine:
    exported = _export(model, preprocessing, folder)
    path = exported.with_suffix(".param")
    if not path.is_file():
        write_ncnn(exported, path)
    return NcnnEngine(path, preprocessing, threads=torch.get_num_threads())


def _export(model: TMNet, preprocessing: Preprocessing, folder: Path) -> Path:
    """Return the ONNX file of a network, which the engines share."""
    path = folder / f"{id(model)}.onnx"
    if not path.is_file():
        header = CheckpointHeader(
            model=ModelConfig(),
            classes=[str(number) for number in range(CLASSES)],
            preprocessing=preprocessing,
            provenance=Provenance(tmnet=__version__, torch=torch.__version__, seed=0, created=""),
        )
        write_onnx(model, header, path)
    return path


def _eager(model: TMNet, preprocessing: Preprocessing, image: Image, device: torch.device) -> Callable[[], None]:
    network = GlanceNetwork(copy.deepcopy(model), preprocessing).to(device)

    @torch.inference_mode()
    def look() -> None:
        for value in network(torch.as_tensor(image).to(device)):
            value.cpu()

    return look


def engine_figures(backbone: BackboneName, timings: Timings, multiply_adds: int, threads: int = 1) -> list[Figure]:
    """Return the ratios that matter of what `time_engines` measured; `multiply_adds` is what one glance takes.

    The CPU's default is the faster of those that `auto` compares, which with several `threads` is onnxruntime alone.
    """
    names = [case.removesuffix(", plain") for case in timings.seconds if case.endswith(", plain")]
    reach = {"resnet18": 0, "resnet50": 1}.get(backbone)

    def limit(pair: tuple[str, str] | None) -> str:
        return "" if pair is None or reach is None else pair[reach]

    figures = []
    exported = [name for name in names if name == ONNXRUNTIME or (name == NCNN and threads == 1)]
    if exported:
        default = min(exported, key=timings.median)
        what = f"the CPU's default, here {default} / {EAGER}"
        figures.append(ratio_figure(timings, default, EAGER, limit(("<= 0.58", "<= 0.63")), what=what))
    for name in names:
        figures += [
            ratio_figure(timings, name, EAGER, limit(("<= 0.75", "<= 0.80") if name == "torch" else None)),
            ratio_figure(timings, name, f"{name}, plain", limit(("<= 1.50", "<= 1.62"))),
            ratio_figure(timings, f"{name}, maps", f"{name}, no maps", "<= 1.01"),
            ratio_figure(timings, f"{name}, RB", name, ""),
            ratio_figure(timings, f"{name}, CB", name, ""),
        ]
    if INT8 in names:
        figures.append(ratio_figure(timings, INT8, ONNXRUNTIME, "<= 0.60"))
    for name in names:
        pair = None if name == INT8 else ("<= 1.00", "<= 1.05")
        figures.append(_beside_matrix_products(timings, name, multiply_adds, limit(pair)))
    return figures


def _beside_matrix_products(timings: Timings, name: str, multiply_adds: int, limit: str) -> Figure:
    """Return how an engine does beside the run's own rate of matrix products: at 1 it computes as fast."""
    what = f"{name} / its multiply-adds at the rate of matrix products"
    scale = MATRIX_MULTIPLY_ADDS / multiply_adds
    figure = ratio_figure(timings, name, MATRIX_PRODUCT, limit, what=what, scale=scale)
    detail = f"{1e3 * timings.median(name):.2f} ms / {1e3 * timings.median(MATRIX_PRODUCT) / scale:.2f} ms"
    return figure.model_copy(update={"detail": f"{detail}, {multiply_adds / 1e9:.2f}e9 multiply-adds"})
