"""The two losses of TMNet (paper III-B, Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from tmnet_core.config import ObjectiveSection
from tmnet_core.models.tmnet import Features, TMNet


@dataclass(frozen=True, slots=True)
class Losses:
    """Scalars: `total` = `classification` + alpha × scale × `regression`."""

    total: Tensor
    classification: Tensor
    regression: Tensor | None


def compute_losses(model: TMNet, features: Features, labels: Tensor, objective: ObjectiveSection) -> Losses:
    """Cross-entropy of CB's logits plus the weighted distance of F_reg to F_cls.

    RB has no cross-entropy of its own: the paper counts two losses (section VI).
    """
    classification = F.cross_entropy(model.classify(features.classification), labels)
    if features.regression is None:
        return Losses(classification, classification, None)
    regression = regression_loss(features.regression, features.classification, model.classifier, objective)
    return Losses(classification + objective.alpha * objective.scale * regression, classification, regression)


def regression_loss(
    regression: Tensor, classification: Tensor, classifier: nn.Linear, objective: ObjectiveSection
) -> Tensor:
    """Return the distance of F_reg to F_cls, both B×C (Eq. 1), averaged over the batch.

    `cross_entropy`, which the paper names beside smooth L1 (III-B.1), compares what the shared classifier makes of
    the two features; it does not train the classifier. Its gradient does not shrink with C, as the mean's does.
    """
    target = classification.detach() if objective.detach_target else classification
    if objective.regression_loss == "cross_entropy":
        weight, bias = classifier.weight.detach(), classifier.bias.detach()
        return F.cross_entropy(F.linear(regression, weight, bias), F.linear(target, weight, bias).softmax(-1))
    distance = F.smooth_l1_loss if objective.regression_loss == "smooth_l1" else F.mse_loss
    per_channel = distance(regression, target, reduction="none")
    per_clip = per_channel.mean(1) if objective.reduction == "mean" else per_channel.sum(1)
    return per_clip.mean()
