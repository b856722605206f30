import time

import numpy as np
import pytest
import torch

from tmnet_core.data.preprocessing import Box
from tmnet_core.errors import CheckpointError
from tmnet_core.live.frames import Frame
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def predictor(make_checkpoint) -> GlancePredictor:
    return GlancePredictor.from_file(make_checkpoint()[0], "cpu")


@pytest.fixture
def classifier(make_checkpoint) -> torch.nn.Linear:
    return make_checkpoint()[1].classifier


@pytest.fixture
def tsn(make_checkpoint) -> GlancePredictor:
    return GlancePredictor.from_file(make_checkpoint(variant="tsn")[0], "cpu")


def assert_same_answer(one, other):
    for branch in one.probabilities:
        np.testing.assert_allclose(one.probabilities[branch], other.probabilities[branch], rtol=1e-5)
    for branch in one.maps:
        np.testing.assert_allclose(one.maps[branch], other.maps[branch], rtol=1e-4, atol=1e-5)


def test_every_branch_gives_probabilities(predictor):
    glance = predictor.glance(picture(48, 64))
    assert predictor.branches == (Branch.RB, Branch.CB, Branch.FUSED)
    assert set(glance.probabilities) == set(predictor.branches)
    assert glance.answer == Branch.FUSED
    for probabilities in glance.probabilities.values():
        assert probabilities.shape == (3,)
        assert probabilities.dtype == np.float32
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)
    assert not np.allclose(glance.probabilities[Branch.RB], glance.probabilities[Branch.CB])


def test_maps_add_up_to_the_probabilities(predictor, classifier):
    glance = predictor.glance(picture(48, 64))
    bias = classifier.bias.detach().numpy()
    assert set(glance.maps) == {Branch.RB, Branch.CB}
    logits = {branch: maps.mean((1, 2)) + bias for branch, maps in glance.maps.items()}
    for branch, logit in logits.items():
        np.testing.assert_allclose(softmax(logit), glance.probabilities[branch], rtol=1e-4)
    fused = softmax((logits[Branch.RB] + logits[Branch.CB]) / 2)
    np.testing.assert_allclose(fused, glance.probabilities[Branch.FUSED], rtol=1e-4)


def test_features_give_the_logits_too(predictor, classifier):
    glance = predictor.glance(picture(48, 64))
    weight, bias = (tensor.detach().numpy() for tensor in classifier.parameters())
    for branch, feature in glance.features.items():
        np.testing.assert_allclose(softmax(weight @ feature + bias), glance.probabilities[branch], rtol=1e-4)


def test_fused_probabilities_are_the_mean_where_the_checkpoint_says_so(make_checkpoint):
    predictor = GlancePredictor.from_file(make_checkpoint(fusion="probabilities")[0], "cpu")
    said = predictor.glance(picture(48, 64)).probabilities
    np.testing.assert_allclose(said[Branch.FUSED], (said[Branch.RB] + said[Branch.CB]) / 2, rtol=1e-5)


def test_a_baseline_serves_cb_alone(tsn):
    glance = tsn.glance(picture(48, 64))
    assert tsn.branches == (Branch.CB,)
    assert glance.answer == Branch.CB
    assert set(glance.probabilities) == set(glance.maps) == set(glance.features) == {Branch.CB}


def test_a_frame_and_its_image_give_the_same_answer(predictor):
    image = picture(48, 64)
    frame = Frame(image, index=7, time=0.25, captured=time.perf_counter())
    glance = predictor.glance(frame)
    assert glance.frame is frame
    assert glance.finished > frame.captured
    assert set(glance.stages) == {"preprocess", "network"}
    assert_same_answer(glance, predictor.glance(image))


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (33, 47), (719, 401), (40, 3)])
def test_frames_of_any_size_are_seen(predictor, shape):
    glance = predictor.glance(picture(*shape))
    assert glance.placement.frame_size == shape[::-1]
    assert all(np.isfinite(probabilities).all() for probabilities in glance.probabilities.values())


def test_a_mirrored_glance_is_one_at_the_mirrored_picture(predictor):
    image = picture(32, 32)
    mirrored = predictor.glance(image, mirror=True)
    plain = predictor.glance(np.ascontiguousarray(image[:, ::-1]))
    assert_same_answer(mirrored, plain)
    for branch, maps in mirrored.maps.items():
        on_frame = mirrored.placement.map_to_frame(maps)
        np.testing.assert_allclose(on_frame, plain.maps[branch][..., ::-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3, 4])
def test_a_turned_glance_is_one_at_the_turned_picture(predictor, quarter_turns):
    image = picture(32, 32)
    turned = predictor.glance(image, quarter_turns=quarter_turns)
    assert_same_answer(turned, predictor.glance(np.ascontiguousarray(np.rot90(image, -quarter_turns))))
    assert turned.placement.quarter_turns == quarter_turns % 4


def test_turning_comes_before_mirroring(predictor):
    image = picture(32, 32)
    both = predictor.glance(image, quarter_turns=1, mirror=True)
    assert_same_answer(both, predictor.glance(np.ascontiguousarray(np.rot90(image, -1)[:, ::-1])))


def test_the_asked_for_crop_decides_what_is_seen(predictor):
    image = picture(32, 64)
    centre, whole = predictor.glance(image), predictor.glance(image, crop="whole")
    assert centre.placement.box == Box(16, 0, 48, 32)
    assert whole.placement.box == Box(0, 0, 64, 32)
    changed_outside = image.copy()
    changed_outside[:, :16] = 0
    assert_same_answer(centre, predictor.glance(changed_outside))
    assert not np.allclose(
        whole.features[Branch.CB], predictor.glance(changed_outside, crop="whole").features[Branch.CB]
    )


def test_a_glance_leaves_the_frame_as_it_was(predictor):
    image = picture(48, 64)
    image.flags.writeable = False
    predictor.glance(image, mirror=True, quarter_turns=1)


def test_the_checkpoint_says_classes_and_preprocessing(predictor, make_header):
    assert predictor.header == make_header()
    assert predictor.classes == ["jump", "run", "wave"]
    assert predictor.preprocessing.size == 32


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"net\.safetensors: there is no such file"):
        GlancePredictor.from_file(tmp_path / "net.safetensors")
