"""What one glance costs beside the plain 2D network, in the same engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.config import ModelConfig
from tmnet_core.models.cam import class_activation_maps
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model

PLAIN = "plain network"
GLANCE = "one glance"
GLANCE_WITH_MAPS = "one glance with both maps"
CLASSES = 101

Network = TypeVar("Network", bound=nn.Module)


def measure(conditions: Conditions) -> list[Figure]:
    """Return what a glance costs beside the plain network, and with both maps beside without."""
    timings = time_glance(conditions)
    backbone = conditions.backbone
    one = "<= 1.55" if backbone == "resnet18" else ""
    return [
        ratio_figure(timings, GLANCE, PLAIN, one, what=f"TMNet {backbone}: one glance / plain {backbone}"),
        ratio_figure(
            timings, GLANCE_WITH_MAPS, GLANCE, "<= 1.02", what=f"TMNet {backbone}: glance with both maps / without"
        ),
    ]


def time_glance(conditions: Conditions) -> Timings:
    """Time the plain network, one glance, and one glance with both maps for 101 classes, batch 1, untrained."""
    backbone, size, device = conditions.backbone, conditions.size, conditions.device
    torch.manual_seed(0)
    plain = _ready(build_network(backbone), device)
    model = _ready(build_model(ModelConfig(backbone=backbone), CLASSES), device)
    image = torch.rand(1, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)

    def synchronised(run: Callable[[], object]) -> Callable[[], None]:
        def timed() -> None:
            with torch.inference_mode():
                run()
            if device.type == "cuda":
                torch.cuda.synchronize(device)

        return timed

    cases = {
        PLAIN: synchronised(lambda: plain(image).softmax(-1)),
        GLANCE: synchronised(lambda: _answer(model, image)),
        GLANCE_WITH_MAPS: synchronised(lambda: _answer_with_maps(model, image)),
    }
    return conditions.time(cases)


def _ready(network: Network, device: torch.device) -> Network:
    network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _answer(model: TMNet, image: Tensor) -> Tensor:
    seen = model.glance(image)
    assert seen.regression is not None
    assert seen.classification is not None
    return model.fuse(
        model.classifier(seen.regression.mean((2, 3))), model.classifier(seen.classification.mean((2, 3)))
    )


def _answer_with_maps(model: TMNet, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    seen = model.glance(image)
    assert seen.regression is not None
    assert seen.classification is not None
    rb = class_activation_maps(seen.regression, model.classifier)
    cb = class_activation_maps(seen.classification, model.classifier)
    bias = model.classifier.bias
    return model.fuse(rb.mean((2, 3)) + bias, cb.mean((2, 3)) + bias), rb, cb
