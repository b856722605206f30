import pytest
import torch

from tmnet_core.config import BACKBONES, SPLITS, ModelConfig
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.variants import VARIANTS, build_model

RESNET18_STAGES = (147_968, 525_568, 2_099_712, 8_393_728)
RESNET18_WITHOUT_HEAD = 11_689_512 - 513_000


def count(module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_variant_backbone_and_split_maps_a_clip_to_features(variant, backbone, split):
    with torch.device("meta"):
        model = build_model(ModelConfig(variant=variant, backbone=backbone, split=split), 7)
        features = model.eval()(torch.empty(2, 3, 3, 64, 64), torch.zeros(2))
    channels = model.classifier.in_features
    assert features.classification.shape == (2, channels)
    assert model.classify(features.classification).shape == (2, 7)
    if VARIANTS[variant].regression:
        assert features.regression.shape == (2, channels)
    else:
        assert features.regression is None


@pytest.mark.parametrize("split", SPLITS)
def test_the_split_says_which_stages_each_branch_has(split):
    cut = int(split[0])
    with torch.device("meta"):
        model = build_model(ModelConfig(backbone="resnet18", split=split), 10)
    branch = sum(RESNET18_STAGES[cut:])
    assert count(model.regression) == branch
    assert count(model.classification) == branch
    assert count(model.base) == RESNET18_WITHOUT_HEAD - branch
    assert count(model.classifier) == 513 * 10
    assert count(model) == RESNET18_WITHOUT_HEAD + branch + 513 * 10


def test_a_baseline_has_the_parameters_of_the_plain_network():
    with torch.device("meta"):
        model = build_model(ModelConfig(variant="tsn", backbone="resnet18"), 1000)
    assert count(model) == 11_689_512


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
