"""From a model configuration to a network: one row a variant, parts injected, no subclass."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

from tmnet_core.config import ModelConfig, VariantName
from tmnet_core.models.stages2d import STAGES, STEM, build_network, cut_stages, feature_channels
from tmnet_core.models.tmnet import Framewise, TMNet


@dataclass(frozen=True, slots=True)
class Variant:
    """A row of the table of networks.

    Attributes:
        title: what a person reads.
        regression: whether there is a regression branch; a baseline is a TMNet without one.
    """

    title: str
    regression: bool


VARIANTS: dict[VariantName, Variant] = {
    "tmnet-2d": Variant("TMNet-2D", regression=True),
    "tsn": Variant("TSN", regression=False),
}


def build_model(config: ModelConfig, classes: int, network: nn.Module | None = None) -> TMNet:
    """Build the network for a number of classes.

    Args:
        config: the variant, its backbone and its split.
        classes: K, the number of classes.
        network: the whole 2D network to cut, with the weights to start from; random ones where it is None.
            CB takes its stages, RB a copy of the same ones.
    """
    if network is None:
        network = build_network(config.backbone, config.width)
    channels = feature_channels(network)
    parts = cut_stages(network)
    cut = int(config.split[0])
    base = Framewise(nn.Sequential(OrderedDict((name, parts[name]) for name in (STEM, *STAGES[:cut]))))
    branch = Framewise(nn.Sequential(OrderedDict((name, parts[name]) for name in STAGES[cut:])))
    classifier = nn.Linear(channels, classes)
    nn.init.normal_(classifier.weight, std=0.01)
    nn.init.zeros_(classifier.bias)
    regression = copy.deepcopy(branch) if VARIANTS[config.variant].regression else None
    return TMNet(base, branch, regression, classifier, fusion=config.fusion, dropout=config.dropout)
