from __future__ import annotations

import threading

import numpy as np
import pytest

from tmnet_core.assets import asset
from tmnet_core.attention.probe import check_map, probe, region_of_box, without
from tmnet_core.attention.probe_file import probe_file
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.errors import TMNetError
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.models.branch import Branch

PREPROCESSING = Preprocessing(size=32, crop_fraction=1.0)
RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (48, 64, 3), np.uint8)


@pytest.fixture
def predictor(make_checkpoint):
    predictor = GlancePredictor.from_file(make_checkpoint()[0], "cpu", "torch")
    yield predictor
    predictor.close()


def half() -> np.ndarray:
    region = np.zeros((48, 64), np.bool_)
    region[:, :32] = True
    return region


def test_what_is_taken_away_is_gone_and_the_rest_is_untouched():
    for how in ("erase", "blur", "mean"):
        image = without(IMAGE, half(), how, PREPROCESSING)
        assert (image[:, 32:] == IMAGE[:, 32:]).all()
        assert image[:, :32].std() < 0.5 * IMAGE.std()
    erased = without(IMAGE, half(), "erase", PREPROCESSING)[0, 0]
    assert erased == pytest.approx(255 * np.array(PREPROCESSING.mean), abs=1)
    assert without(IMAGE, half(), "mean", PREPROCESSING)[0, 0] == pytest.approx(IMAGE[:, 32:].mean(axis=(0, 1)), abs=1)
    assert (without(IMAGE, np.zeros((48, 64), np.float32), "erase", PREPROCESSING) == IMAGE).all()
    soft = without(IMAGE, np.full((48, 64), 0.5, np.float32), "erase", PREPROCESSING)
    assert np.abs(soft - (IMAGE / 2 + 255 * np.array(PREPROCESSING.mean) / 2)).max() <= 1
    assert without(IMAGE, np.ones((48, 64), np.bool_), "mean", PREPROCESSING).std() < IMAGE.std()
    with pytest.raises(ValueError, match=r"a region of \(3, 3\)"):
        without(IMAGE, np.zeros((3, 3), np.bool_), "erase", PREPROCESSING)


@pytest.mark.parametrize("turned", [{}, {"mirror": True}, {"quarter_turns": 1}])
def test_a_probe_says_what_the_network_says_of_the_frame_without_the_region(predictor, turned):
    glance = predictor.glance(IMAGE, **turned)
    probed = probe(predictor, glance, half(), "blur")
    again = predictor.glance(without(IMAGE, half(), "blur", predictor.preprocessing), **turned)
    for branch in Branch:
        np.testing.assert_allclose(probed.after[branch], again.probabilities[branch], atol=1e-5)
        np.testing.assert_allclose(probed.change(branch).sum(), 0.0, atol=1e-5)
    assert (probed.before[Branch.RB] == glance.probabilities[Branch.RB]).all()


def test_what_the_network_does_not_see_changes_nothing(predictor):
    glance = predictor.glance(IMAGE, crop="centre")
    outside = region_of_box(glance.placement, 0.0, 0.0, 8 / 64, 1.0)
    assert outside.sum() == 8 * 48
    assert np.abs(probe(predictor, glance, outside, "erase").change(Branch.FUSED)).max() < 1e-6


def test_curves_begin_and_end_at_the_whole_frame_and_at_nothing(predictor):
    glance = predictor.glance(IMAGE)
    told = []
    found = check_map(
        predictor, glance, glance.maps[Branch.CB][1], 1, steps=5, batch=4, progress=lambda *p: told.append(p)
    )
    assert found is not None
    assert found.deletion.shares == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    gray = np.full_like(IMAGE, 0) + (255 * np.array(PREPROCESSING.mean) + 0.5).astype(np.uint8)
    for branch in Branch:
        whole = glance.probabilities[branch][1]
        assert found.deletion.probabilities[branch][0] == pytest.approx(whole, abs=1e-4)
        assert found.insertion.probabilities[branch][-1] == pytest.approx(whole, abs=1e-4)
        empty = predictor.glance(gray).probabilities[branch][1]
        assert found.deletion.probabilities[branch][-1] == pytest.approx(empty, abs=2e-2)
        assert 0 <= found.deletion.area(branch) <= 1
    assert told == [(4, 12), (8, 12), (12, 12)]


def test_the_order_is_that_of_the_map(predictor):
    """The left half is taken away first where the map is warm on the left."""
    seen = []

    class Watched:
        preprocessing = predictor.preprocessing

        def look(self, images, branches, *, maps):
            seen.append(images.copy())
            return predictor.look(images, branches, maps=maps)

    glance = predictor.glance(IMAGE)
    warm_left = np.tile(np.array([3.0, 1.0, 0.5, 0.0], np.float32), (4, 1))
    check_map(Watched(), glance, warm_left, 0, steps=2, batch=6)
    cut = predictor.preprocessing.cut(IMAGE, glance.placement)
    half_deleted, half_inserted = seen[0][1], seen[0][4]
    assert (half_deleted[:, 16:] == cut[:, 16:]).all()
    assert (half_deleted[:, :16] == half_deleted[0, 0]).all()
    assert (half_inserted[:, :16] == cut[:, :16]).all()
    assert (half_inserted[:, 16:] != cut[:, 16:]).any()


def test_a_check_can_be_stopped(predictor):
    glance = predictor.glance(IMAGE)
    stop = threading.Event()
    stop.set()
    assert check_map(predictor, glance, glance.maps[Branch.CB][0], 0, stop=stop) is None


def test_on_rendered_people_deleting_by_the_map_takes_the_answer_away_sooner_than_at_random():
    people = SyntheticPeople(24, 5, "validation")
    predictor = GlancePredictor.from_file(asset("demo/synthetic-people.safetensors"), "cpu", "torch")
    gains = []
    for clip in range(12):
        glance = predictor.glance(people.clip(clip, [16])[0])
        index = int(glance.probabilities[Branch.CB].argmax())
        by_map = check_map(predictor, glance, glance.maps[Branch.CB][index], index, steps=8)
        at_random = check_map(predictor, glance, RNG.random((7, 7), np.float32), index, steps=8)
        gains.append(
            (
                at_random.deletion.area(Branch.CB) - by_map.deletion.area(Branch.CB),
                by_map.insertion.area(Branch.CB) - at_random.insertion.area(Branch.CB),
            )
        )
    predictor.close()
    assert (np.mean(gains, axis=0) > 0).all()


def test_a_frame_of_a_file_is_probed_for_the_command_line(make_checkpoint, make_video):
    checkpoint, video = make_checkpoint()[0], make_video(frames=3, size=(64, 48))
    report = probe_file(checkpoint, video, 2, (0.0, 0.0, 1.0, 1.0), how="erase", top=2, engine="torch")
    assert len(report.classes) == 2
    for change in report.classes:
        assert set(change.before) == set(change.after) == {"RB", "CB", "RB+CB"}
    assert set(report.checks) == {"RB", "CB"}
    assert all(0 <= check.deletion <= 1 and 0 <= check.insertion <= 1 for check in report.checks.values())
    with pytest.raises(TMNetError, match="none with number 3"):
        probe_file(checkpoint, video, 3, (0, 0, 1, 1), engine="torch")
    with pytest.raises(TMNetError, match=r"box 0\.5 0 0\.5 1: "):
        probe_file(checkpoint, video, 2, (0.5, 0, 0.5, 1), engine="torch")
    with pytest.raises(TMNetError, match="holds no pixel of a frame of 64×48"):
        probe_file(checkpoint, video, 2, (0.5, 0.5, 0.5001, 0.5001), engine="torch")
