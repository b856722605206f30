import pytest
import torch
from torch import nn

from tmnet_core.models.catalogue import BACKBONES
from tmnet_core.models.stages2d import build_network, cut_stages, feature_channels

# What torchvision publishes with its ImageNet weights, the head of 1000 classes included.
PUBLISHED_PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "mobilenet_v2": 3_504_872,
}


def replace_head_by_identity(network: nn.Module) -> None:
    if hasattr(network, "fc"):
        network.fc = nn.Identity()
    else:
        network.classifier = nn.Identity()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_stages_in_a_row_give_the_network_s_own_feature(backbone):
    torch.manual_seed(0)
    network = build_network(backbone).eval()
    parts = cut_stages(network)
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        maps = images
        for part in parts.values():
            maps = part(maps)
        replace_head_by_identity(network)
        expected = network(images)
    assert maps.shape == (1, feature_channels(build_on_meta(backbone)), 2, 2)
    torch.testing.assert_close(maps.mean((2, 3)), expected)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_parameters_are_torchvision_s_without_the_head(backbone):
    network = build_on_meta(backbone)
    counted = sum(parameter.numel() for part in cut_stages(network).values() for parameter in part.parameters())
    assert counted == PUBLISHED_PARAMETERS[backbone] - 1000 * (feature_channels(network) + 1)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_stage_ends_at_the_stride_of_a_resnet_s(backbone):
    maps = torch.empty(1, 3, 128, 128, device="meta")
    sides = []
    for part in cut_stages(build_on_meta(backbone).eval()).values():
        maps = part(maps)
        sides.append(maps.shape[-1])
    # MobileNetV2 has no pooling in its stem, so that its first part ends at stride 2.
    stem = 64 if backbone == "mobilenet_v2" else 32
    assert sides == [stem, 32, 16, 8, 4]


@pytest.mark.parametrize(("width", "channels"), [(0.25, 1280), (1.0, 1280), (1.4, 1792)])
def test_width_scales_mobilenet_as_torchvision_does(width, channels):
    with torch.device("meta"):
        network = build_network("mobilenet_v2", width)
    assert feature_channels(network) == channels


def test_a_network_of_unknown_shape_is_refused():
    with pytest.raises(TypeError, match="Sequential has no known stem and stages"):
        cut_stages(nn.Sequential())


def build_on_meta(backbone) -> nn.Module:
    with torch.device("meta"):
        return build_network(backbone)
