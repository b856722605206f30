import copy
from collections.abc import Callable
from functools import lru_cache

import pytest
import torch
from torch import nn

from tmnet_core.config import ModelConfig
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import (
    BACKBONES,
    NETWORKS_3D,
    SPLITS,
    VARIANTS,
    chosen_network3d,
    shortest_clip,
    why_unfit,
)
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.stages3d import build_network3d
from tmnet_core.models.variants import build_model

RESNET18_STAGES = (147_968, 525_568, 2_099_712, 8_393_728)
RESNET18_WITHOUT_HEAD = 11_689_512 - 513_000
# From torchvision's and PyTorchVideo's published totals with 400 classes, to the parameter.
SLOWONLY_R50 = 32_454_096
R3D_18 = 33_371_472


def empty(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network full of zeros, which takes no time: where shapes are asked for, values are of no concern."""
    with torch.device("meta"):
        network = build().eval()
    network = network.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.zero_()
    return network


@lru_cache(maxsize=1)
def empty_network(backbone) -> nn.Module:
    return empty(lambda: build_network(backbone))


@lru_cache(maxsize=3)
def empty_network3d(name) -> nn.Module:
    return empty(lambda: build_network3d(name))


def build_on_meta(config: ModelConfig, classes: int):
    with torch.device("meta"):
        return build_model(config, classes)


def all_that_fit() -> list[object]:
    """Every backbone, variant and 3D network that fit, with the splits at which they do."""
    found = []
    for backbone in BACKBONES:
        for variant, row in VARIANTS.items():
            mixed = row.uses_2d and row.uses_3d
            for network3d in NETWORKS_3D if mixed else ("slowonly_r50",):
                splits = [split for split in SPLITS if why_unfit(variant, backbone, network3d, split) is None]
                # What has no 2D part is the same whatever the backbone; C3D has a test of its own.
                if splits and variant != "c3d" and (row.uses_2d or backbone == "resnet18"):
                    name = f"{variant}-{backbone}-{network3d}" if mixed else f"{variant}-{backbone}"
                    found.append(pytest.param(variant, backbone, network3d, splits, id=name))
    return found


@pytest.mark.parametrize(("variant", "backbone", "network3d", "splits"), all_that_fit())
def test_every_variant_maps_a_clip_to_features_and_a_frame_to_maps(variant, backbone, network3d, splits):
    row = VARIANTS[variant]
    chosen = chosen_network3d(variant, network3d)
    clip, key = torch.zeros(1, max(2, shortest_clip(variant, network3d)), 3, 32, 32), torch.zeros(1)
    for split in splits:
        config = ModelConfig(variant=variant, backbone=backbone, network3d=network3d, split=split)
        network = empty_network(backbone) if row.uses_2d else None
        # A shift is put into the network itself.
        network = copy.deepcopy(network) if row.shift else network
        model = build_model(config, 7, network, empty_network3d(chosen) if chosen else None).eval()
        shape = (1, model.classifier.in_features)
        with torch.inference_mode():
            features = model(clip, key)
            assert model.classify(features.classification).shape == (1, 7)
            assert features.classification.shape == shape
            assert (None if features.regression is None else features.regression.shape) == (
                shape if row.regression else None
            )
            if not row.glance:
                continue
            maps = model.glance(clip[:, 0])
        found = {Branch.RB: maps.regression, Branch.CB: maps.classification}
        served = {branch: feature_map.shape[:2] for branch, feature_map in found.items() if feature_map is not None}
        assert served == {branch: shape for branch in row.glance if branch is not Branch.FUSED}


def every_network() -> list[tuple[str, str, str, str]]:
    """Every variant, backbone, 3D network and split that fit together; C3D has a test of its own."""
    return [(*found.values[:3], split) for found in all_that_fit() for split in found.values[3]]


def a_few_that_show_everything() -> list[tuple[str, str, str, str]]:
    """A few of `every_network` in which each variant meets each split, and each backbone and 3D network occurs."""
    size = {name: place for place, name in enumerate(("mobilenet_v2", "resnet18", "r3d_18", *BACKBONES, *NETWORKS_3D))}
    seen: set[tuple[str, ...]] = set()
    few = []
    # The small ones first, so that large ones only come in where nothing else shows what they show, and late cuts.
    for network in sorted(every_network(), key=lambda n: (size[n[1]], size[n[2]], -int(n[3][0]))):
        variant, backbone, network3d, split = network
        row = VARIANTS[variant]
        shows = {(variant, split if row.uses_2d else ""), ("backbone", backbone) if row.uses_2d else (variant,)}
        shows |= {(variant, network3d)} if row.uses_2d and row.uses_3d else set()
        if not shows <= seen:
            few.append(network)
            seen |= shows
    return few


def check_gradients(variant, backbone, network3d, split):
    torch.manual_seed(0)
    config = ModelConfig(variant=variant, backbone=backbone, network3d=network3d, split=split, dropout=0.0)
    model = build_model(config, 5).train()
    frames = max(2, shortest_clip(variant, network3d))
    features = model(torch.randn(4, frames, 3, 32, 32), torch.tensor([0.1, 0.4, 0.6, 0.9]))
    # A plain sum behind BatchNorm has no gradient: weigh the channels differently.
    weights = torch.randn(model.classifier.in_features)
    loss = model.classify(features.classification).square().sum() + (features.classification * weights).sum()
    if features.regression is not None:
        loss = loss + (features.regression * weights).sum()
    loss.backward()
    without = [
        name for name, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []


@pytest.mark.parametrize(("variant", "backbone", "network3d", "split"), a_few_that_show_everything())
def test_gradients_reach_every_parameter(variant, backbone, network3d, split):
    check_gradients(variant, backbone, network3d, split)


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "backbone", "network3d", "split"), every_network())
def test_gradients_reach_every_parameter_of_every_network(variant, backbone, network3d, split):
    check_gradients(variant, backbone, network3d, split)


@pytest.mark.parametrize("split", SPLITS)
def test_the_split_says_which_stages_each_branch_has(split):
    cut = int(split[0])
    model = build_on_meta(ModelConfig(backbone="resnet18", split=split), 10)
    branch = sum(RESNET18_STAGES[cut:])
    assert count(model.regression) == branch
    assert count(model.classification) == branch
    assert count(model.base) == RESNET18_WITHOUT_HEAD - branch
    assert count(model.classifier) == 513 * 10
    assert count(model) == RESNET18_WITHOUT_HEAD + branch + 513 * 10


@pytest.mark.parametrize("variant", ["tsn", "tsm"])
def test_a_2d_baseline_has_the_parameters_of_the_plain_network(variant):
    assert count(build_on_meta(ModelConfig(variant=variant, backbone="resnet18"), 1000)) == 11_689_512


@pytest.mark.parametrize(("variant", "published"), [("slowonly-r50", SLOWONLY_R50), ("r3d-18", R3D_18)])
@pytest.mark.parametrize("split", ["0/4", "3/1"])
def test_a_3d_baseline_has_the_published_parameters_wherever_it_is_cut(variant, published, split):
    assert count(build_on_meta(ModelConfig(variant=variant, split=split), 400)) == published


def test_3d_a_has_the_parameters_of_its_published_parts():
    model = build_on_meta(ModelConfig(variant="tmnet-3d-a", backbone="resnet18", network3d="r3d_18"), 400)
    first_half = RESNET18_WITHOUT_HEAD - sum(RESNET18_STAGES[2:])
    assert count(model.base) == first_half
    assert count(model.regression) == sum(RESNET18_STAGES[2:])
    whole_3d = build_on_meta(ModelConfig(variant="r3d-18"), 400)
    assert count(model.classification) == count(whole_3d.classification)
    assert count(model) == RESNET18_WITHOUT_HEAD + R3D_18 - count(whole_3d.base)


def test_3d_b_has_the_3d_network_and_the_2d_stages_behind_the_cut():
    model = build_on_meta(ModelConfig(variant="tmnet-3d-b", backbone="resnet18", network3d="r3d_18"), 400)
    assert count(model) == R3D_18 + sum(RESNET18_STAGES[2:])


def test_rb_starts_from_the_weights_of_cb_and_shares_none():
    model = build_model(ModelConfig(backbone="mobilenet_v2"), 3)
    regression, classification = model.regression.state_dict(), model.classification.state_dict()
    assert regression.keys() == classification.keys()
    for name, tensor in classification.items():
        torch.testing.assert_close(regression[name], tensor, rtol=0, atol=0)
        assert regression[name].data_ptr() != tensor.data_ptr()


def test_the_given_network_s_weights_are_the_start():
    network = build_network("mobilenet_v2")
    torch.nn.init.constant_(network.features[18][0].weight, 0.5)
    model = build_model(ModelConfig(backbone="mobilenet_v2", split="3/1"), 3, network)
    for branch in (model.classification, model.regression):
        assert any(bool((parameter == 0.5).all()) for parameter in branch.parameters())


def test_rb_of_3d_a_is_the_2d_network_behind_the_cut():
    torch.manual_seed(0)
    network = build_network("resnet18").eval()
    config = ModelConfig(variant="tmnet-3d-a", backbone="resnet18", network3d="r3d_18")
    model = build_model(config, 3, network).eval()
    frames = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        regression = model.glance(frames).regression.mean((2, 3))
        network.fc = nn.Identity()
        torch.testing.assert_close(regression, network(frames))


def test_rb_of_3d_b_sees_what_its_base_makes_of_the_neighbours():
    torch.manual_seed(0)
    config = ModelConfig(variant="tmnet-3d-b", backbone="resnet18", network3d="r3d_18", split="1/3")
    model = build_model(config, 3).eval()
    clip, key = torch.randn(1, 8, 3, 32, 32), torch.tensor([0.5])
    with torch.inference_mode():
        remembered = model.remember(clip, key)
        torch.testing.assert_close(remembered, model(clip, key).regression)
        # The key frame is 4; its neighbour 3 lies in the reach of BB's kernels.
        clip[:, 3] = 0.0
        assert (model.remember(clip, key) - remembered).abs().max() > 0.01 * remembered.abs().max()


def test_the_key_frame_is_counted_on_the_shrunk_clip():
    model = build_model(
        ModelConfig(variant="tmnet-3d-b", backbone="resnet18", network3d="r3d_18", split="3/1"), 3
    ).eval()
    torch.manual_seed(0)
    clip = torch.randn(1, 8, 3, 32, 32)
    with torch.inference_mode():
        # BB shrinks 8 frames to T' = 2: fractions below a half are the first of them, all others the second.
        first, also_first, second, last = (model.remember(clip, torch.tensor([f])) for f in (0.0, 0.49, 0.5, 1.0))
    assert torch.equal(first, also_first)
    assert torch.equal(second, last)
    assert not torch.equal(first, second)


def count(module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
