"""Class activation maps (Zhou et al., CVPR 2016; paper section V)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def class_activation_maps(feature_map: Tensor, classifier: nn.Linear) -> Tensor:
    """Return B×K×h×w maps of B×C×h×w features: the classifier as a 1×1 convolution, without its bias.

    The mean of a map over its places plus the class's bias is the class's logit.
    """
    return F.conv2d(feature_map, classifier.weight[:, :, None, None])
