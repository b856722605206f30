import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tmnet_core.config import ObjectiveSection
from tmnet_core.models.objective import compute_losses, regression_loss
from tmnet_core.models.tmnet import Features, TMNet

CLASSIFIER = nn.Linear(6, 3)


def smooth_l1_of_equation_1(x: float) -> float:
    return 0.5 * x * x if abs(x) < 1.0 else abs(x) - 0.5


@pytest.fixture
def features() -> Features:
    torch.manual_seed(0)
    regression, classification = 2.0 * torch.randn(2, 4, 6)
    return Features(regression.requires_grad_(), classification.requires_grad_())


@pytest.fixture
def model() -> TMNet:
    torch.manual_seed(1)
    return TMNet(nn.Identity(), nn.Identity(), nn.Identity(), nn.Linear(6, 3))


def test_smooth_l1_is_equation_1(features):
    difference = (features.regression - features.classification).flatten().tolist()
    assert min(map(abs, difference)) < 1.0 < max(map(abs, difference))
    expected = sum(map(smooth_l1_of_equation_1, difference)) / len(difference)
    loss = regression_loss(features.regression, features.classification, CLASSIFIER, ObjectiveSection())
    assert loss.item() == pytest.approx(expected)


def test_mse_is_the_mean_square(features):
    objective = ObjectiveSection(regression_loss="mse")
    expected = (features.regression - features.classification).square().mean()
    loss = regression_loss(features.regression, features.classification, CLASSIFIER, objective)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("kind", ["smooth_l1", "mse"])
def test_the_sum_is_the_mean_times_the_channels(features, kind):
    mean, total = (
        regression_loss(
            features.regression,
            features.classification,
            CLASSIFIER,
            ObjectiveSection(regression_loss=kind, reduction=reduction),
        )
        for reduction in ("mean", "sum")
    )
    torch.testing.assert_close(total, 6 * mean)


def test_cross_entropy_compares_what_the_classifier_makes_of_both(features):
    objective = ObjectiveSection(regression_loss="cross_entropy")
    loss = regression_loss(features.regression, features.classification, CLASSIFIER, objective)
    said = CLASSIFIER(features.regression).log_softmax(-1)
    wanted = CLASSIFIER(features.classification).softmax(-1)
    torch.testing.assert_close(loss, -(wanted * said).sum(-1).mean())


def test_cross_entropy_does_not_train_the_classifier(features, model):
    objective = ObjectiveSection(regression_loss="cross_entropy", detach_target=False)
    regression_loss(features.regression, features.classification, model.classifier, objective).backward()
    assert model.classifier.weight.grad is None
    assert model.classifier.bias.grad is None


@pytest.mark.parametrize("kind", ["smooth_l1", "mse", "cross_entropy"])
@pytest.mark.parametrize("detach", [True, False])
def test_a_detached_target_gets_no_gradient(features, kind, detach):
    objective = ObjectiveSection(regression_loss=kind, detach_target=detach)
    regression_loss(features.regression, features.classification, CLASSIFIER, objective).backward()
    assert features.regression.grad.abs().sum() > 0.0
    assert (features.classification.grad is None) == detach


def test_total_is_cross_entropy_plus_the_weighted_distance(features, model):
    labels = torch.tensor([0, 2, 1, 1])
    losses = compute_losses(model, features, labels, ObjectiveSection(alpha=0.8, scale=0.5))
    cross_entropy = F.cross_entropy(model.classifier(features.classification), labels)
    torch.testing.assert_close(losses.classification, cross_entropy)
    torch.testing.assert_close(losses.total, cross_entropy + 0.4 * losses.regression)


def test_rb_gets_no_cross_entropy(features, model):
    compute_losses(model, features, torch.tensor([0, 2, 1, 1]), ObjectiveSection(alpha=0.0)).total.backward()
    assert not features.regression.grad.any()
    assert features.classification.grad.any()


def test_a_baseline_has_cross_entropy_alone(features, model):
    losses = compute_losses(
        model, Features(None, features.classification), torch.tensor([0, 2, 1, 1]), ObjectiveSection()
    )
    assert losses.regression is None
    assert losses.total.item() == losses.classification.item()
