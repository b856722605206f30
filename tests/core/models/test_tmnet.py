import pytest
import torch
from torch import nn

from tmnet_core.config import ModelConfig, ObjectiveSection
from tmnet_core.models.objective import compute_losses
from tmnet_core.models.stages2d import build_network
from tmnet_core.models.tmnet import Framewise, TMNet, take_key_frame
from tmnet_core.models.variants import build_model


@pytest.fixture(scope="module")
def model() -> TMNet:
    """An untrained network in evaluation mode whose RB differs from CB."""
    torch.manual_seed(0)
    model = build_model(ModelConfig(backbone="resnet18"), 5).eval()
    with torch.no_grad():
        model.classifier.bias.normal_()
        for parameter in model.regression.parameters():
            parameter.mul_(1.05)
    return model


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    return torch.randn(2, 4, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("length", "fraction", "index"),
    [
        (1, 0.0, 0),
        (1, 0.99, 0),
        (4, 0.0, 0),
        (4, 0.24, 0),
        (4, 0.25, 1),
        (4, 0.5, 2),
        (4, 0.99, 3),
        (4, 1.0, 3),
        (5, 0.5, 2),
        (8, 0.875, 7),
    ],
)
def test_key_frame_is_the_floor_of_its_fraction_of_the_clip(length, fraction, index):
    encoded = torch.arange(float(length)).reshape(1, length, 1, 1, 1)
    assert take_key_frame(encoded, torch.tensor([fraction])).flatten().tolist() == [index]


def test_each_clip_has_its_own_key_frame():
    encoded = torch.arange(8.0).reshape(2, 4, 1, 1, 1)
    taken = take_key_frame(encoded, torch.tensor([0.0, 0.75]))
    assert taken.shape == (2, 1, 1, 1, 1)
    assert taken.flatten().tolist() == [0.0, 7.0]


def test_rb_sees_the_key_frame_alone(model, clip):
    changed = clip.clone()
    changed[:, [0, 1, 3]] = 0.0
    middle = torch.tensor([0.5, 0.5])
    with torch.inference_mode():
        features, changed_features = model(clip, middle), model(changed, middle)
    torch.testing.assert_close(features.regression, changed_features.regression)
    assert not torch.allclose(features.classification, changed_features.classification)


def test_cb_is_the_mean_over_the_frames(model, clip):
    with torch.inference_mode():
        whole = model(clip, torch.zeros(2)).classification
        single = [model(clip[:, [t]], torch.zeros(2)).classification for t in range(4)]
    torch.testing.assert_close(whole, torch.stack(single).mean(0))


def test_tsn_of_one_frame_is_the_plain_2d_network(clip):
    torch.manual_seed(0)
    network = build_network("resnet18").eval()
    tsn = build_model(ModelConfig(variant="tsn", backbone="resnet18"), 5, network).eval()
    network.fc = tsn.classifier
    with torch.inference_mode():
        logits = tsn.classify(tsn(clip[:, :1], torch.zeros(2)).classification)
        torch.testing.assert_close(logits, network(clip[:, 0]))


def test_a_glance_is_a_clip_of_one_frame(model, clip):
    with torch.inference_mode():
        maps = model.glance(clip[:, 0])
        features = model(clip[:, :1], torch.zeros(2))
    torch.testing.assert_close(maps.regression.mean((2, 3)), features.regression)
    torch.testing.assert_close(maps.classification.mean((2, 3)), features.classification)


def test_a_glance_of_a_baseline_has_no_regression(clip):
    tsn = build_model(ModelConfig(variant="tsn", backbone="resnet18"), 5).eval()
    with torch.inference_mode():
        assert tsn.glance(clip[:, 0]).regression is None


def test_fusing_features_is_fusing_logits(model):
    regression, classification = torch.randn(2, 3, 512)
    with torch.inference_mode():
        fused = model.fuse(model.classify(regression), model.classify(classification))
        of_mean_feature = model.classify((regression + classification) / 2).softmax(-1)
    torch.testing.assert_close(fused, of_mean_feature)


def test_probabilities_fuse_to_their_mean():
    model = build_model(ModelConfig(backbone="mobilenet_v2", fusion="probabilities"), 5)
    regression, classification = torch.randn(2, 3, 5)
    fused = model.fuse(regression, classification)
    torch.testing.assert_close(fused, torch.stack([regression.softmax(-1), classification.softmax(-1)]).mean(0))


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
def test_gradients_reach_every_parameter(backbone):
    torch.manual_seed(0)
    model = build_model(ModelConfig(backbone=backbone, dropout=0.0), 5).train()
    features = model(torch.randn(2, 2, 3, 64, 64), torch.tensor([0.0, 0.5]))
    compute_losses(model, features, torch.tensor([0, 3]), ObjectiveSection()).total.backward()
    assert [name for name, parameter in model.named_parameters() if not gradient_norm(parameter) > 0.0] == []


def test_regression_kept_from_the_base_leaves_it_to_cross_entropy():
    torch.manual_seed(0)
    model = build_model(ModelConfig(backbone="resnet18", dropout=0.0), 5).eval()
    with torch.no_grad():
        for parameter in model.regression.parameters():
            parameter.mul_(1.05)
    clip = torch.randn(2, 2, 3, 32, 32)
    labels, middle = torch.tensor([0, 3]), torch.tensor([0.5, 0.5])

    def gradients_of_base(alpha: float, reaches_base: bool) -> torch.Tensor:
        model.zero_grad()
        features = model(clip, middle, regression_reaches_base=reaches_base)
        compute_losses(model, features, labels, ObjectiveSection(alpha=alpha, reduction="sum")).total.backward()
        return torch.cat([parameter.grad.flatten() for parameter in model.base.parameters()])

    cross_entropy_alone = gradients_of_base(0.0, True)
    kept = gradients_of_base(1.0, False)
    assert all(gradient_norm(parameter) > 0.0 for parameter in model.regression.parameters())
    norm = cross_entropy_alone.norm()
    assert (kept - cross_entropy_alone).norm() < 1e-5 * norm
    assert (gradients_of_base(1.0, True) - cross_entropy_alone).norm() > 0.1 * norm


def test_dropout_acts_only_in_training():
    model = TMNet(nn.Identity(), nn.Identity(), None, nn.Linear(64, 2), dropout=0.5)
    feature = torch.randn(1, 64)
    torch.manual_seed(0)
    assert not torch.equal(model.train().classify(feature), model.classifier(feature))
    assert torch.equal(model.eval().classify(feature), model.classifier(feature))


def test_framewise_passes_each_frame_alone():
    network = nn.Conv2d(3, 4, 3, stride=2)
    clip = torch.randn(2, 3, 3, 9, 9)
    out = Framewise(network)(clip)
    assert out.shape == (2, 3, 4, 4, 4)
    torch.testing.assert_close(out[1, 2], network(clip[1, 2]))


def gradient_norm(parameter: nn.Parameter) -> float:
    return 0.0 if parameter.grad is None else float(parameter.grad.norm())
