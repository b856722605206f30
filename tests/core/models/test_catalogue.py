import pytest
import torch

from tmnet_core.config import ModelConfig
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import (
    BACKBONES,
    NETWORKS_3D,
    VARIANTS,
    chosen_network3d,
    shortest_clip,
    stage_channels,
    why_unfit,
)
from tmnet_core.models.stages2d import build_network, cut_stages
from tmnet_core.models.stages3d import build_network3d, cut_stages3d


@pytest.mark.parametrize("backbone", BACKBONES)
def test_channels_are_those_of_the_stages(backbone):
    maps = torch.empty(1, 3, 32, 32, device="meta")
    channels = []
    with torch.device("meta"):
        stages = cut_stages(build_network(backbone).eval())
    for part in stages.values():
        maps = part(maps)
        channels.append(maps.shape[1])
    assert tuple(channels) == stage_channels(backbone)


@pytest.mark.parametrize("name", NETWORKS_3D)
def test_3d_stages_have_the_channels_and_strides_that_the_table_says(name):
    facts = NETWORKS_3D[name]
    maps = torch.empty(1, 3, 16, 32, 32, device="meta")
    with torch.device("meta"):
        stages = cut_stages3d(build_network3d(name).eval(), name)
    length = 16
    for part, channels, stride in zip(
        stages.values(), stage_channels(facts.backbone), facts.temporal_strides, strict=True
    ):
        maps = part(maps)
        length //= stride
        assert maps.shape[1:3] == (channels, length)
    assert 16 // length == facts.temporal_stride


@pytest.mark.parametrize(
    ("variant", "backbone", "network3d", "split", "cause"),
    [
        (
            "tmnet-3d-a",
            "resnet18",
            "slowonly_r50",
            "2/2",
            "resnet18 ends with 512 channels and slowonly_r50 with 2048, but RB and CB share one classifier; "
            "backbones that fit are resnet50, resnet101, resnext50_32x4d, resnext101_32x8d",
        ),
        ("tmnet-3d-b", "resnet50", "r3d_18", "2/2", "backbones that fit are resnet18, resnet34"),
        ("tmnet-3d-a", "mobilenet_v2", "r3d_18", "0/4", "mobilenet_v2 ends with 1280 channels and r3d_18 with 512"),
        ("tmnet-3d-b", "resnet50", "slowonly_r50", "2/2", "this tmnet-3d-b is a tmnet-3d-a; choose split 3/1 or"),
        ("tmnet-3d-b", "resnet50", "slowonly_r50", "0/4", "slowonly_r50 sees one frame at a time"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_built(variant, backbone, network3d, split, cause):
    with pytest.raises(ValueError, match="Value error, ") as caught:
        ModelConfig(variant=variant, backbone=backbone, network3d=network3d, split=split)
    assert cause in str(caught.value)


@pytest.mark.parametrize("split", ["0/4", "1/3", "2/2", "3/1"])
def test_what_fits_is_let_through(split):
    assert why_unfit("tmnet-3d-a", "resnext101_32x8d", "slowonly_r50", split) is None
    assert why_unfit("tmnet-3d-b", "resnet50", "i3d_r50", split) is None
    assert why_unfit("tmnet-3d-b", "resnet34", "r3d_18", split) is None
    assert why_unfit("tsn", "mobilenet_v2", "slowonly_r50", split) is None
    assert why_unfit("i3d-r50", "resnet18", "r3d_18", split) is None


def test_slowonly_fits_3d_b_where_its_kernels_look_along_time():
    assert why_unfit("tmnet-3d-b", "resnet50", "slowonly_r50", "3/1") is None


def test_a_baseline_has_its_own_3d_network_and_a_tmnet_the_chosen_one():
    assert chosen_network3d("i3d-r50", "r3d_18") == "i3d_r50"
    assert chosen_network3d("tmnet-3d-a", "r3d_18") == "r3d_18"
    assert chosen_network3d("tsn", "r3d_18") is None
    assert chosen_network3d("c3d", "r3d_18") is None


def test_what_a_variant_serves():
    both = (Branch.RB, Branch.CB, Branch.FUSED)
    glances = {name: row.glance for name, row in VARIANTS.items()}
    assert glances["tmnet-2d"] == both
    assert glances["tmnet-3d-a"] == glances["tmnet-3d-b"] == (Branch.RB,)
    assert glances["tsn"] == glances["tsm"] == (Branch.CB,)
    assert {name for name, branches in glances.items() if not branches} == {"i3d-r50", "slowonly-r50", "r3d-18", "c3d"}
    assert all(row.clip == (both if row.regression else (Branch.CB,)) for row in VARIANTS.values())


@pytest.mark.parametrize(
    ("variant", "network3d", "frames"),
    [("tsn", "r3d_18", 1), ("tmnet-3d-b", "r3d_18", 8), ("i3d-r50", "r3d_18", 2), ("slowonly-r50", "r3d_18", 1)],
)
def test_a_clip_is_at_least_as_long_as_the_temporal_stride(variant, network3d, frames):
    assert shortest_clip(variant, network3d) == frames
