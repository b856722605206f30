"""The Temporal Memory Network (Liu et al., IEEE Access 2020): a base backbone and two branches (paper III, Fig. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tmnet_core.models.branch import Branch


class Framewise(nn.Module):
    """Lets a 2D network speak B×T×C×H×W: every frame passes through it alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×T×C×H×W to B×T×C'×H'×W'."""
        out: Tensor = self.network(clip.flatten(0, 1))
        return out.reshape(*clip.shape[:2], *out.shape[1:])


@dataclass(frozen=True, slots=True)
class Features:
    """What the branches make of a batch of clips.

    Attributes:
        regression: F_reg, B×C, from the key frame alone; None where there is no regression branch.
        classification: F_cls, B×C, the mean over all frames and places.
    """

    regression: Tensor | None
    classification: Tensor


@dataclass(frozen=True, slots=True)
class GlanceMaps:
    """The last feature maps of the branches, each B×C×h×w; their mean over places is the feature.

    A branch that is not asked for is None.
    """

    regression: Tensor | None
    classification: Tensor | None


class TMNet(nn.Module):
    """Base backbone, classification branch, and, unless it is a baseline, a regression branch.

    The three parts are injected and speak B×T×C×H×W to each other; both branches share one linear classifier, so
    that fusing features and fusing logits are the same, and a class activation map is a 1×1 convolution.

    Attributes:
        glances: the branches that answer for a single frame; where left out, all that there are.
    """

    def __init__(
        self,
        base: nn.Module,
        classification: nn.Module,
        regression: nn.Module | None,
        classifier: nn.Linear,
        *,
        fusion: Literal["features", "probabilities"] = "features",
        dropout: float = 0.0,
        glances: tuple[Branch, ...] | None = None,
    ) -> None:
        super().__init__()
        self.base = base
        self.classification = classification
        self.regression = regression
        self.classifier = classifier
        self.dropout = nn.Dropout(dropout)
        self.fusion = fusion
        if glances is None:
            glances = (Branch.CB,) if regression is None else (Branch.RB, Branch.CB, Branch.FUSED)
        self.glances = glances

    def forward(self, clip: Tensor, key_frame: Tensor, *, regression_reaches_base: bool = True) -> Features:
        """Compute both features of a batch of clips, as training does (paper III-B).

        Args:
            clip: B×T×3×H×W, normalised.
            key_frame: B fractions of the clip in [0, 1]; RB sees BB's output at min(T' - 1, floor(fraction * T')).
            regression_reaches_base: whether gradients flow from RB into the base backbone.
        """
        encoded = self.base(clip)
        classification = self.classification(encoded).mean(dim=(1, 3, 4))
        if self.regression is None:
            return Features(None, classification)
        seen = take_key_frame(encoded, key_frame)
        if not regression_reaches_base:
            seen = seen.detach()
        return Features(self.regression(seen).mean(dim=(1, 3, 4)), classification)

    def glance(self, frames: Tensor) -> GlanceMaps:
        """Look at single frames, B×3×H×W, with one pass of the base backbone (paper III-C).

        A 3D base backbone takes a frame for a clip in which nothing moves. Only the branches in `glances` are run.
        """
        encoded = self.base(frames.unsqueeze(1))
        classification = over_time(self.classification(encoded)) if Branch.CB in self.glances else None
        regression = None
        if self.regression is not None and Branch.RB in self.glances:
            regression = over_time(self.regression(encoded))
        return GlanceMaps(regression, classification)

    def look(self, clip: Tensor, key_frame: float) -> GlanceMaps:
        """Look at clips, B×T×3×H×W: RB at the key frame, CB at all of them, its maps averaged over time.

        Args:
            clip: T frames each.
            key_frame: the fraction of the clip at which RB looks, as in `forward`.
        """
        encoded = self.base(clip)
        classification = over_time(self.classification(encoded)) if Branch.CB in self.glances else None
        regression = None
        if self.regression is not None and Branch.RB in self.glances:
            length = encoded.shape[1]
            place = min(length - 1, int(key_frame * length))
            regression = over_time(self.regression(encoded[:, place : place + 1]))
        return GlanceMaps(regression, classification)

    def remember(self, clip: Tensor, key_frame: Tensor) -> Tensor:
        """Return F_reg, B×C, of clips B×T×3×H×W without running CB: TMNet-3D-B's own inference (paper IV-B.6)."""
        assert self.regression is not None
        feature: Tensor = self.regression(take_key_frame(self.base(clip), key_frame)).mean(dim=(1, 3, 4))
        return feature

    def classify(self, feature: Tensor) -> Tensor:
        """Return the logits, B×K, of either branch's feature, B×C."""
        logits: Tensor = self.classifier(self.dropout(feature))
        return logits

    def fuse(self, regression: Tensor, classification: Tensor) -> Tensor:
        """Return the probabilities of RB+CB, B×K, from the two branches' logits (paper III-C)."""
        if self.fusion == "probabilities":
            return (regression.softmax(-1) + classification.softmax(-1)) / 2
        # The classifier is linear: the mean of the logits is the logit of the mean feature.
        return ((regression + classification) / 2).softmax(-1)


def over_time(encoded: Tensor) -> Tensor:
    """Return the mean over time, B×C×H×W, of B×T×C×H×W; the one frame there is without computing."""
    return encoded.squeeze(1) if encoded.shape[1] == 1 else encoded.mean(dim=1)


def use_channels_last(network: nn.Module) -> None:
    """Lay out the 2D convolutions' weights channels last, the faster order on CPUs and on GPUs with tensor cores."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)


def take_key_frame(encoded: Tensor, fraction: Tensor) -> Tensor:
    """Take from each clip of B×T'×C×H×W the frame at its fraction; returns B×1×C×H×W."""
    length = encoded.shape[1]
    index = (fraction.to(encoded.device) * length).floor().long().clamp(0, length - 1)
    return encoded[torch.arange(encoded.shape[0], device=encoded.device), index].unsqueeze(1)
