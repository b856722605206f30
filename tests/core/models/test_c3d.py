from itertools import pairwise

import torch

from tmnet_core.config import ModelConfig
from tmnet_core.models.c3d import C3D
from tmnet_core.models.variants import build_model


def test_its_feature_is_fc7():
    with torch.device("meta"):
        assert C3D()(torch.empty(2, 16, 3, 112, 112)).shape == (2, 1, 4096, 1, 1)


def test_pools_leave_1_by_4_by_4_places_as_the_paper_says():
    with torch.device("meta"):
        assert C3D().convolutions(torch.empty(1, 3, 16, 112, 112)).shape == (1, 512, 1, 4, 4)


def test_parameters_are_those_of_its_figure():
    # Fig. 3 of Tran et al.: 3×3×3 kernels and biases, then fc6, fc7 and, for Sports-1M, 487 classes.
    widths = [3, 64, 128, 256, 256, 512, 512, 512, 512]
    convolutions = sum(27 * a * b + b for a, b in pairwise(widths))
    connected = (8192 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 487
    with torch.device("meta"):
        model = build_model(ModelConfig(variant="c3d"), 487)
    assert sum(parameter.numel() for parameter in model.parameters()) == convolutions + connected


def test_clip_and_classifier_make_logits():
    with torch.device("meta"):
        model = build_model(ModelConfig(variant="c3d"), 5).eval()
        features = model(torch.empty(2, 16, 3, 112, 112), torch.zeros(2))
        assert features.regression is None
        assert model.classify(features.classification).shape == (2, 5)
    assert model.glances == ()
