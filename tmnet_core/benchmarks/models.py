"""What one glance costs beside the networks that look at clips (paper Fig. 3 and 4), all in the same engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.live.engines.clip import ClipLook
from tmnet_core.live.engines.cuda_graph_engine import CudaGraphEngine
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.network import GlanceNetwork
from tmnet_core.live.engines.torch_engine import TorchEngine
from tmnet_core.models.catalogue import BackboneName
from tmnet_core.models.costs import count_multiply_adds
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model

CLASSES = 101
GLANCE = "one glance"
TWO_FRAMES = "TMNet, 2 frames"
PLAIN = "plain"
# Of what the multiply-adds promise, how much has to be there: smaller work is done less well.
_KEPT = 0.92
_R3D_SIZE = 112


@dataclass(frozen=True, slots=True)
class Rival:
    """A network and what it looks at; of single frames `frames` is 0."""

    title: str
    config: ModelConfig
    frames: int
    size: int


def rivals(backbone: BackboneName, size: int) -> list[Rival]:
    """Return the networks of Fig. 3 and 4, TMNet first; R3D-18 at the size that it is published for."""
    tmnet = ModelConfig(backbone=backbone)
    return [
        Rival(GLANCE, tmnet, 0, size),
        Rival(f"{PLAIN} {backbone}", ModelConfig(variant="tsn", backbone=backbone), 0, size),
        *(Rival(f"TMNet, {frames} frames", tmnet, frames, size) for frames in (2, 4, 8)),
        Rival("TSN, 8 frames", ModelConfig(variant="tsn", backbone=backbone), 8, size),
        Rival("TSM, 8 frames", ModelConfig(variant="tsm", backbone=backbone), 8, size),
        Rival(f"R3D-18, 8 frames of {_R3D_SIZE}²", ModelConfig(variant="r3d-18"), 8, _R3D_SIZE),
        Rival("I3D-R50, 8 frames", ModelConfig(variant="i3d-r50"), 8, size),
        Rival("SlowOnly-R50, 8 frames", ModelConfig(variant="slowonly-r50"), 8, size),
    ]


def measure(conditions: Conditions) -> list[Figure]:
    """Return each network's time over that of one glance, and beside it what their multiply-adds say."""
    found = rivals(conditions.backbone, conditions.size)
    timings, adds = time_models(found, conditions)
    return model_figures(conditions.backbone, timings, adds)


def time_models(found: list[Rival], conditions: Conditions) -> tuple[Timings, dict[str, int]]:
    """Time untrained networks of 101 classes, without maps, batch 1; and count what each multiplies and adds."""
    cases: dict[str, Callable[[], object]] = {}
    adds: dict[str, int] = {}
    opened: list[Engine] = []
    rng = np.random.default_rng(0)
    try:
        for rival in found:
            torch.manual_seed(0)
            model = build_model(rival.config, CLASSES).eval()
            clip = ClipLook(rival.frames, 0.5) if rival.frames else None
            shape = (1, *([rival.frames] if rival.frames else []), rival.size, rival.size, 3)
            images = rng.integers(0, 256, shape, dtype=np.uint8)
            adds[rival.title] = _count(model, images, clip)
            engine = _open(model, Preprocessing(size=rival.size), conditions.device, clip)
            opened.append(engine)
            cases[rival.title] = partial(engine.look, images, maps=False)
        return conditions.time(cases), adds
    finally:
        for engine in opened:
            engine.close()


def model_figures(backbone: BackboneName, timings: Timings, adds: dict[str, int]) -> list[Figure]:
    """Return the ratios; TSN's and TSM's are to be near what their multiply-adds promise."""
    plain = f"{PLAIN} {backbone}"
    limit = {"resnet18": "<= 1.50", "resnet50": "<= 1.62"}.get(backbone, "")
    figures = [_figure(timings, adds, GLANCE, plain, limit)]
    for title in timings.seconds:
        if title in (GLANCE, plain):
            continue
        promised = _KEPT * adds[title] / adds[GLANCE] if title.startswith(("TSN", "TSM")) else 0.0
        figures.append(_figure(timings, adds, title, GLANCE, f">= {promised:.2f}" if promised else ""))
    for title in timings.seconds:
        if title.startswith(("TSN", "TSM")):
            promised = _KEPT * adds[title] / adds[TWO_FRAMES]
            figures.append(_figure(timings, adds, title, TWO_FRAMES, f">= {promised:.2f}"))
    return figures


def _figure(timings: Timings, adds: dict[str, int], case: str, reference: str, limit: str) -> Figure:
    figure = ratio_figure(timings, case, reference, limit)
    ratio = adds[case] / adds[reference]
    counts = f"{adds[case] / 1e9:.2f} / {adds[reference] / 1e9:.2f} = {ratio:.2f} in 1e9 multiply-adds"
    return figure.model_copy(update={"detail": f"{figure.detail}; {counts}"})


def _count(model: TMNet, images: Image, clip: ClipLook | None) -> int:
    network = GlanceNetwork(model, Preprocessing(size=images.shape[-2]), maps=False, clip=clip)
    return count_multiply_adds(lambda: network(torch.as_tensor(images)))


def _open(model: TMNet, preprocessing: Preprocessing, device: torch.device, clip: ClipLook | None) -> Engine:
    if device.type == "cuda":
        return CudaGraphEngine(model, preprocessing, device, clip=clip)
    return TorchEngine(model, preprocessing, device, clip=clip)
