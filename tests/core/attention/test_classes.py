from __future__ import annotations

import numpy as np
import pytest
import torch

from tmnet_core.attention.classes import class_index, class_maps, shown_classes
from tmnet_core.errors import TMNetError
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch

PROBABILITIES = {
    Branch.RB: np.array([0.6, 0.3, 0.1], np.float32),
    Branch.CB: np.array([0.0, 0.4, 0.6], np.float32),
    Branch.FUSED: np.array([0.3, 0.35, 0.35], np.float32),
}


def test_both_branches_show_one_class_unless_each_shall_show_its_own():
    assert shown_classes(PROBABILITIES) == {Branch.RB: 1, Branch.CB: 1}
    assert shown_classes(PROBABILITIES, "own") == {Branch.RB: 0, Branch.CB: 2}
    assert shown_classes(PROBABILITIES, "own", pinned=2) == {Branch.RB: 2, Branch.CB: 2}
    assert shown_classes({Branch.CB: PROBABILITIES[Branch.CB]}) == {Branch.CB: 2}


def test_a_class_that_the_checkpoint_lacks_is_named():
    assert class_index(["jump", "run"], "run") == 1
    with pytest.raises(TMNetError, match="'walk': the checkpoint does not know it; it knows jump, run"):
        class_index(["jump", "run"], "walk")


@pytest.mark.parametrize("mirror", [False, True])
def test_the_map_of_a_pinned_class_is_computed_directly_and_averages_to_its_logit(make_checkpoint, mirror):
    path, network, header = make_checkpoint()
    predictor = GlancePredictor.from_file(path, "cpu", "torch")
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    glance = predictor.glance(image, mirror=mirror)
    predictor.close()

    placement = header.preprocessing.place(64, 48, mirror=mirror)
    frames = header.preprocessing.normalise(torch.from_numpy(header.preprocessing.cut(image, placement)[None]))
    with torch.no_grad():
        seen = network.requires_grad_(False).glance(frames)
    for pinned in range(3):
        maps = class_maps(glance, shown_classes(glance.probabilities, pinned=pinned))
        for branch, features in ((Branch.RB, seen.regression), (Branch.CB, seen.classification)):
            assert features is not None
            weight, bias = network.classifier.weight[pinned], network.classifier.bias[pinned]
            direct = torch.einsum("c,chw->hw", weight, features[0]).numpy()
            shown = maps[branch][:, ::-1] if mirror else maps[branch]
            np.testing.assert_allclose(shown, direct, atol=1e-4)
            logit = float(network.classify(features.mean((2, 3)))[0, pinned])
            assert float(maps[branch].mean() + bias) == pytest.approx(logit, abs=1e-4)
