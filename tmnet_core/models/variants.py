"""From a model configuration to a network: one row a variant, parts injected, no subclass."""

from __future__ import annotations

import copy
from collections import OrderedDict

from torch import nn

from tmnet_core.config import ModelConfig
from tmnet_core.models import c3d
from tmnet_core.models.catalogue import VARIANTS, Variant, chosen_network3d
from tmnet_core.models.stages2d import STAGES, STEM, build_network, cut_stages, feature_channels
from tmnet_core.models.stages3d import Clipwise, build_network3d, cut_stages3d
from tmnet_core.models.temporal_shift import ShiftedFramewise, insert_shifts
from tmnet_core.models.tmnet import Framewise, TMNet

Stages = OrderedDict[str, nn.Module]


def build_model(
    config: ModelConfig, classes: int, network: nn.Module | None = None, network3d: nn.Module | None = None
) -> TMNet:
    """Build the network for a number of classes.

    Args:
        config: the variant, its 2D backbone, its 3D network and its split.
        classes: K, the number of classes.
        network: the whole 2D network to cut, with the weights to start from; random ones where it is None.
            CB takes its stages, RB a copy of the same ones.
        network3d: the same for the 3D parts.
    """
    row = VARIANTS[config.variant]
    if config.variant == "c3d":
        return _assemble(config, row, classes, c3d.CHANNELS, c3d.C3D(), nn.Identity(), None)
    stages: dict[str, Stages] = {}
    channels = 0
    if row.uses_2d:
        network = build_network(config.backbone, config.width) if network is None else network
        channels = feature_channels(network)
        if row.shift:
            insert_shifts(network)
        stages["2D"] = cut_stages(network)
    chosen = chosen_network3d(config.variant, config.network3d)
    if chosen is not None:
        network3d = build_network3d(chosen) if network3d is None else network3d
        channels = feature_channels(network3d)
        stages["3D"] = cut_stages3d(network3d, chosen)

    cut = int(config.split[0])
    base = _join(config, row, row.base, stages[row.base], (STEM, *STAGES[:cut]))
    classification = _join(config, row, row.classification, stages[row.classification], STAGES[cut:])
    regression = copy.deepcopy(_join(config, row, "2D", stages["2D"], STAGES[cut:])) if row.regression else None
    return _assemble(config, row, classes, channels, base, classification, regression)


def _join(config: ModelConfig, row: Variant, dimension: str, stages: Stages, names: tuple[str, ...]) -> nn.Module:
    """Put stages in a row, as one part that speaks B×T×C×H×W."""
    part = nn.Sequential(OrderedDict((name, stages[name]) for name in names))
    if dimension == "3D":
        return Clipwise(part, config.temporal_borders)
    return ShiftedFramewise(part) if row.shift else Framewise(part)


def _assemble(
    config: ModelConfig,
    row: Variant,
    classes: int,
    channels: int,
    base: nn.Module,
    classification: nn.Module,
    regression: nn.Module | None,
) -> TMNet:
    classifier = nn.Linear(channels, classes)
    nn.init.normal_(classifier.weight, std=0.01)
    nn.init.zeros_(classifier.bias)
    return TMNet(
        base,
        classification,
        regression,
        classifier,
        fusion=config.fusion,
        dropout=config.dropout,
        glances=row.glance,
    )
