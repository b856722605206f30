"""torchvision's 2D networks as a stem and four stages."""

from __future__ import annotations

from collections import OrderedDict

import torchvision
from torch import nn

from tmnet_core.models.catalogue import BackboneName

# MobileNetV2 is cut where its stride changes, so that its stages end at strides 4, 8, 16 and 32 as a ResNet's do.
MOBILENET_V2_CUTS = ((0, 2), (2, 4), (4, 7), (7, 14), (14, 19))
STEM = "stem"
STAGES = ("stage1", "stage2", "stage3", "stage4")


def build_network(backbone: BackboneName, width: float = 1.0) -> nn.Module:
    """Return torchvision's network with random weights; `width` is MobileNetV2's multiplier."""
    arguments = {"width_mult": width} if backbone == "mobilenet_v2" else {}
    network: nn.Module = torchvision.models.get_model(backbone, weights=None, **arguments)
    return network


def cut_stages(network: nn.Module) -> OrderedDict[str, nn.Module]:
    """Cut a torchvision ResNet, ResNeXt or MobileNetV2 into `stem`, `stage1` .. `stage4`; its head is left out.

    The parts are the network's own modules, not copies. Together they map B×3×H×W to B×C×H/32×W/32.
    """
    if isinstance(network, torchvision.models.ResNet):
        stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
        parts = [stem, network.layer1, network.layer2, network.layer3, network.layer4]
    elif isinstance(network, torchvision.models.MobileNetV2):
        parts = [network.features[start:end] for start, end in MOBILENET_V2_CUTS]
    else:
        raise TypeError(f"{type(network).__name__} has no known stem and stages")
    return OrderedDict(zip((STEM, *STAGES), parts, strict=True))


def feature_channels(network: nn.Module) -> int:
    """Return C, the channels of the last stage's feature map."""
    if isinstance(network, torchvision.models.MobileNetV2):
        return int(network.last_channel)
    head = network.fc
    assert isinstance(head, nn.Linear)
    return head.in_features
