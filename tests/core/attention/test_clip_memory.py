from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tmnet_core.attention.clip_memory import ClipMemory, correlation, cosine, has_memory
from tmnet_core.live.frames import Frame
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch

RNG = np.random.default_rng(0)


def images(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 40, 40, 3), np.uint8)


@pytest.fixture
def predictor(make_checkpoint):
    predictor = GlancePredictor.from_file(make_checkpoint()[0], "cpu", "torch")
    yield predictor
    predictor.close()


def test_a_clip_from_memory_is_the_clip_that_the_network_sees_at_once(make_checkpoint):
    path, network, header = make_checkpoint()
    predictor = GlancePredictor.from_file(path, "cpu", "torch")
    memory = ClipMemory(frames=5, interval=0.1)
    seen = images(5)
    for number, image in enumerate(seen):
        glance = predictor.glance(Frame(image, number, number / 10, 0.0))
        answer = memory.add(glance)
    predictor.close()

    cut = np.stack([header.preprocessing.cut(image, header.preprocessing.place(40, 40)) for image in seen])
    with torch.no_grad():
        made = network(header.preprocessing.normalise(torch.from_numpy(cut))[None], torch.tensor([0.999]))
        logits = network.classify(made.classification)[0]
    clip, regressed = made.classification[0].numpy(), made.regression[0].numpy()
    assert (answer.frames, answer.wanted) == (5, 5)
    assert answer.seconds == pytest.approx(0.4)
    np.testing.assert_allclose(answer.probabilities, logits.softmax(-1).numpy(), atol=1e-4)
    assert answer.cosine == pytest.approx(cosine(regressed, clip), abs=1e-4)
    assert answer.distance == pytest.approx(np.linalg.norm(regressed - clip) / np.linalg.norm(clip), abs=1e-4)
    # The mean map averages, with the bias, to the clip's logit.
    bias = network.classifier.bias.detach().numpy()
    np.testing.assert_allclose(answer.maps.mean(axis=(1, 2)) + bias, logits.numpy(), atol=1e-3)
    assert answer.same_answer == (logits.argmax() == glance.probabilities[Branch.FUSED].argmax())
    expected = correlation(glance.maps[Branch.RB][1], answer.maps[1])
    assert answer.map_correlation(glance, 1) == expected
    assert answer.clip_ms > answer.glance_ms > 0


def test_of_a_still_picture_clip_and_frame_are_the_same(predictor):
    memory = ClipMemory(frames=4, interval=0.1)
    image = images(1)[0]
    for number in range(4):
        answer = memory.add(predictor.glance(Frame(image, number, number / 10, 0.0)))
    assert answer.frame_cosine == pytest.approx(1.0, abs=1e-5)
    assert answer.frames == 4


@pytest.mark.parametrize(("fps", "expected"), [(100, 8), (12.5, 8), (6.25, 4), (2, 2)])
def test_the_clip_is_sampled_by_time_at_every_rate_of_glances(predictor, fps, expected):
    memory = ClipMemory(frames=8, interval=0.08)
    glance = predictor.glance(images(1)[0])
    found = []
    for number in range(int(2 * fps) + 1):
        frame = Frame(glance.frame.image, number, number / fps, 0.0)
        found.append(memory.add(predictor.glance(frame)))
    assert found[0].frames == 1
    assert found[-1].frames == expected
    assert found[-1].seconds <= 0.56 + 0.5 * 0.08 + 1e-6
    assert len(memory._moments) <= 0.64 * fps + 2


def test_a_jump_or_a_cut_starts_anew(predictor):
    memory = ClipMemory(frames=4, interval=0.1)

    def frames_at(time: float) -> int:
        return memory.add(predictor.glance(Frame(images(1)[0], 0, time, 0.0))).frames

    assert [frames_at(time) for time in (0.0, 0.1, 0.2)] == [1, 2, 3]
    assert frames_at(0.1) == 1, "back"
    assert frames_at(9.0) == 1, "far ahead"
    assert frames_at(9.1) == 2
    memory.clear()
    assert frames_at(9.2) == 1


def test_only_a_network_whose_cb_sees_single_frames_has_a_memory(make_header):
    assert has_memory(make_header())
    assert has_memory(make_header(variant="tsn"))
    for variant in ("tsm", "tmnet-3d-a", "tmnet-3d-b"):
        header = make_header(variant=variant, backbone="resnet50", width=1.0, split="3/1")
        assert not has_memory(header)
        assert ClipMemory.of(header) is None
    memory = ClipMemory.of(make_header())
    assert (memory.frames, memory.interval) == (8, 0.08)


def test_without_rb_there_is_a_clip_and_nothing_to_compare_its_features_with(make_checkpoint):
    predictor = GlancePredictor.from_file(make_checkpoint(variant="tsn")[0], "cpu", "torch")
    glance = predictor.glance(images(1)[0])
    predictor.close()
    answer = ClipMemory().add(glance)
    assert answer.cosine is answer.distance is answer.map_correlation(glance, 0) is None
    assert answer.probabilities.sum() == pytest.approx(1.0)


def test_maps_that_are_flat_do_not_correlate():
    ramp = np.arange(9, dtype=np.float32).reshape(3, 3)
    assert correlation(ramp, 2 * ramp + 1) == pytest.approx(1.0)
    assert correlation(ramp, -ramp) == pytest.approx(-1.0)
    assert correlation(ramp, np.ones_like(ramp)) is None


def test_a_clip_costs_all_its_frames_where_few_were_looked_at(predictor):
    memory = ClipMemory(frames=8, interval=0.1)
    for number, image in enumerate(images(3)):
        # Glances come four times as seldom as the clip's frames.
        glance = predictor.glance(Frame(image, number, 0.4 * number, 0.0))
        answer = memory.add(replace(glance, stages={**glance.stages, "network": 2.0}))
    assert answer.frames < answer.wanted
    assert answer.clip_ms == pytest.approx(8 * 2.0)
