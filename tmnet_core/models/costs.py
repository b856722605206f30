"""What the networks cost: parameters and multiply-adds, beside what is published of their parts."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torchvision
from pydantic import BaseModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tmnet_core.config import ModelConfig
from tmnet_core.models.catalogue import BACKBONES, C3D_FRAMES, C3D_SIZE, VARIANTS
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.variants import build_model

# The networks that are listed: one of each variant, backbone and 3D network, where the paper's default split fits.
LISTED = (
    *(ModelConfig(backbone=backbone) for backbone in BACKBONES),
    ModelConfig(variant="tmnet-3d-a", backbone="resnet50", network3d="slowonly_r50"),
    ModelConfig(variant="tmnet-3d-a", backbone="resnet50", network3d="i3d_r50"),
    ModelConfig(variant="tmnet-3d-a", backbone="resnet18", network3d="r3d_18"),
    ModelConfig(variant="tmnet-3d-b", backbone="resnet50", network3d="slowonly_r50", split="3/1"),
    ModelConfig(variant="tmnet-3d-b", backbone="resnet50", network3d="i3d_r50"),
    ModelConfig(variant="tmnet-3d-b", backbone="resnet18", network3d="r3d_18"),
    ModelConfig(variant="tsn", backbone="resnet50"),
    ModelConfig(variant="tsm", backbone="resnet50"),
    ModelConfig(variant="i3d-r50"),
    ModelConfig(variant="slowonly-r50"),
    ModelConfig(variant="r3d-18"),
    ModelConfig(variant="c3d"),
)

KINETICS_CLASSES = 400


class NetworkCost(BaseModel):
    """One network's size, and its cost for one input.

    Attributes:
        frames, size: T and the side in pixels of its clip.
        glance: multiply-adds of one frame by the branches that answer for one; None where a clip is needed.
        memory: of a clip by BB and RB alone, which is what TMNet-3D-B runs; None without RB.
        clip: of a clip by all branches.
    """

    network: str
    frames: int
    size: int
    parameters: int
    glance: int | None
    memory: int | None
    clip: int


class PartCost(BaseModel):
    """A published part as it is built here, with its published classifier, and the published figures.

    Attributes:
        published_parameters, published_multiply_adds: in millions and in 1e9, rounded as published.
        source: where these are published.
    """

    part: str
    frames: int
    size: int
    parameters: int
    multiply_adds: int
    published_parameters: float
    published_multiply_adds: float
    source: str


class Costs(BaseModel):
    """All networks and all parts with published figures."""

    classes: int
    networks: list[NetworkCost]
    parts: list[PartCost]


def list_costs(frames: int = 16, size: int = 224, classes: int = 101) -> Costs:
    """Count for every network in `LISTED`, for clips of `frames` frames of `size` pixels a side, and for its parts.

    C3D keeps its own input, and R3D-18 as a baseline the size it is published for.
    """
    networks = [_cost_of_network(config, frames, size, classes) for config in LISTED]
    return Costs(classes=classes, networks=networks, parts=_cost_of_parts())


def count_multiply_adds(run: Callable[[], object]) -> int:
    """Count the multiply-adds of all convolutions and matrix products in `run`, as the papers and torchvision do."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        run()
    return int(counter.get_total_flops()) // 2


def clip_multiply_adds(config: ModelConfig, frames: int, size: int, classes: int) -> int:
    """Count the multiply-adds of one clip by all branches, with a classifier of this many classes."""
    with torch.device("meta"):
        model = build_model(config, classes).eval()
        _leave_out_what_is_not_counted(model)
        clip, key_frame = torch.empty(1, frames, 3, size, size), torch.empty(1)
        answers = (1 + VARIANTS[config.variant].regression) * model.classifier.in_features * classes
        return count_multiply_adds(lambda: model(clip, key_frame)) + answers


def _cost_of_network(config: ModelConfig, frames: int, size: int, classes: int) -> NetworkCost:
    row = VARIANTS[config.variant]
    if config.variant == "c3d":
        frames, size = C3D_FRAMES, C3D_SIZE
    elif config.variant == "r3d-18":
        size = C3D_SIZE
    # On the meta device nothing is computed, and nothing is stored.
    with torch.device("meta"):
        model = build_model(config, classes).eval()
        clip, key_frame = torch.empty(1, frames, 3, size, size), torch.empty(1)
        parameters = _parameters(model)
        _leave_out_what_is_not_counted(model)
        channels = model.classifier.in_features
        answers = len({*row.glance} & {"RB", "CB"}) * channels * classes
        return NetworkCost(
            network=config.title,
            frames=frames,
            size=size,
            parameters=parameters,
            glance=count_multiply_adds(lambda: model.glance(clip[:, 0])) + answers if row.glance else None,
            memory=count_multiply_adds(lambda: model.remember(clip, key_frame)) + channels * classes
            if row.regression
            else None,
            clip=clip_multiply_adds(config, frames, size, classes),
        )


def _cost_of_parts() -> list[PartCost]:
    parts = []
    for name in BACKBONES:
        with torch.device("meta"):
            network = build_network(name).eval()
            parameters = _parameters(network)
            _leave_out_what_is_not_counted(network)
            adds = count_multiply_adds(lambda network=network: network(torch.empty(1, 3, 224, 224)))  # type: ignore[misc]
        published = torchvision.models.get_model_weights(name)["DEFAULT"].meta
        parts.append(
            PartCost(
                part=name,
                frames=1,
                size=224,
                parameters=parameters,
                multiply_adds=adds,
                published_parameters=published["num_params"] / 1e6,
                published_multiply_adds=published["_ops"],
                source="torchvision",
            )
        )
    published = torchvision.models.get_model_weights("r3d_18")["DEFAULT"].meta
    r3d = (published["num_params"] / 1e6, published["_ops"], "torchvision")
    # SlowFast's authors give SlowOnly and I3D in PyTorchVideo's table of the published weights.
    zoo = "PyTorchVideo's model zoo"
    for config, frames, size, figures in (
        (ModelConfig(variant="slowonly-r50"), 8, 256, (32.45, 54.52, zoo)),
        (ModelConfig(variant="i3d-r50"), 8, 256, (28.04, 37.53, zoo)),
        (ModelConfig(variant="r3d-18"), 16, 112, r3d),
        (ModelConfig(variant="tsm", backbone="resnet50"), 8, 224, (24.3, 33.0, "Lin et al., ICCV 2019")),
    ):
        cost = _cost_of_network(config, frames, size, KINETICS_CLASSES)
        parts.append(
            PartCost(
                part=cost.network,
                frames=cost.frames,
                size=cost.size,
                parameters=cost.parameters,
                multiply_adds=cost.clip,
                published_parameters=figures[0],
                published_multiply_adds=figures[1],
                source=figures[2],
            )
        )
    return parts


def _leave_out_what_is_not_counted(network: nn.Module) -> None:
    """Replace normalisation and activations by nothing: they hold most of a network's operations and no product."""
    for path, module in list(network.named_modules()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.ReLU | nn.ReLU6):
            parent, _, name = path.rpartition(".")
            setattr(network.get_submodule(parent), name, nn.Identity())


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
