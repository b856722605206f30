from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.attention.agreement import (
    AgreementMeter,
    OtherRegions,
    StreamRegions,
    centre_prior,
    compare,
    kept_regions,
    mass,
    share_inside,
)
from tmnet_core.attention.motion import Motion, MotionState, find_motion
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.errors import CheckpointError
from tmnet_core.models.branch import Branch

WHOLE = Placement((320, 240), Box(0, 0, 320, 240))


@pytest.fixture(scope="module", params=[(0.0, 0.0), (3.0, -2.0)], ids=["still camera", "moving camera"])
def films(request, scene):
    """Twelve scenes, and where things move in each from its fourth to its fifth frame."""
    made = [scene(seed, camera=request.param, step=(2.5, 1.5)) for seed in range(20, 32)]
    regions = [find_motion(film.frames[4].image, film.frames[3].image).within(WHOLE) for film in made]
    return made, np.stack(regions)


def others_than(regions, number):
    return OtherRegions(np.delete(regions, number, axis=0).mean(axis=0), len(regions) - 1, "the other scenes")


def test_a_map_on_the_mover_is_ranked_above_one_on_the_decoy(films):
    made, regions = films
    for number, film in enumerate(made):
        maps = {Branch.RB: film.bump(film.mover, 4), Branch.CB: film.bump(film.decoy, 4)}
        found = compare(regions[number], maps, others_than(regions, number)).branches
        assert found[Branch.RB].agreement > 0.1
        assert found[Branch.RB].agreement > found[Branch.CB].agreement
        assert found[Branch.CB].inside < 0.1


def test_the_shuffled_control_is_about_zero(films):
    made, regions = films
    on_mover, shuffled, centre = [], [], []
    for number, film in enumerate(made):
        others = others_than(regions, number)
        on_mover.append(compare(regions[number], {Branch.RB: film.bump(film.mover, 4)}, others))
        for other in range(len(made)):
            if other != number:
                map_of_another = {Branch.RB: made[other].bump(made[other].mover, 4)}
                found = compare(regions[number], map_of_another, others_than(regions, number))
                shuffled.append(found.branches[Branch.RB].agreement)
        centre.append(on_mover[-1].centre.agreement)
    mean = np.mean([found.branches[Branch.RB].agreement for found in on_mover])
    assert mean > 0.25
    assert abs(np.mean(centre)) < 0.02, "a fixed prior knows nothing of a frame, however well it does by raw overlap"
    assert abs(np.mean(shuffled)) < 0.1 * mean


def motion(state=MotionState.MOVING, region=None):
    moving = np.zeros((120, 160), np.uint8) if region is None else region
    return Motion(state, moving, np.eye(2, 3))


@pytest.mark.parametrize("state", [MotionState.STILL, MotionState.CUT, MotionState.UNKNOWN])
def test_without_motion_there_is_nothing_to_agree_with(state):
    found = AgreementMeter().measure(motion(state), {Branch.RB: np.eye(7, dtype=np.float32)}, WHOLE, 0.0)
    assert found.state is state
    assert not found.branches
    assert str(found) == {"no motion": "no motion", "scene cut": "scene cut"}.get(state, "no frame before")


def test_motion_that_the_network_does_not_see_is_no_motion_to_it():
    region = np.zeros((120, 160), np.uint8)
    region[:, :20] = 1
    centre = Placement((320, 240), Box(40, 0, 280, 240))
    assert AgreementMeter().measure(motion(region=region), {}, centre, 0.0).state is MotionState.STILL


def test_live_a_map_is_compared_with_what_moved_more_than_five_seconds_ago():
    left, right = np.zeros((2, 120, 160), np.uint8)
    left[:, :40], right[:, 120:] = 1, 1
    on_the_left = {Branch.CB: np.pad(np.ones((7, 2), np.float32), ((0, 0), (0, 5)))}
    meter = AgreementMeter()
    early = [meter.measure(motion(region=right), on_the_left, WHOLE, t / 10) for t in range(30)]
    assert all(found.others is None and found.branches[Branch.CB].agreement is None for found in early)
    assert str(early[-1]) == "too little of the stream seen yet"
    late = meter.measure(motion(region=left), on_the_left, WHOLE, 8.0)
    # 0.0, 0.5 ... 2.5: one in half a second.
    assert late.others.count == 6
    assert "6 moving regions of this stream, more than 5 s away" in str(late)
    assert late.branches[Branch.CB].agreement == pytest.approx(late.branches[Branch.CB].inside, abs=1e-6)
    assert late.branches[Branch.CB].inside > 0.6
    meter.clear()
    assert meter.measure(motion(region=left), on_the_left, WHOLE, 8.0).others is None


def test_regions_kept_with_a_checkpoint_come_first(tmp_path):
    checkpoint = tmp_path / "net.safetensors"
    assert kept_regions(checkpoint) is None
    mean = np.random.default_rng(0).random((64, 64), np.float32)
    OtherRegions(mean, 40, "jhmdb21").save(checkpoint)
    kept = kept_regions(checkpoint)
    assert np.abs(kept.mean - mean).max() < 1e-3
    region = np.zeros((120, 160), np.uint8)
    region[30:60, 40:80] = 1
    found = AgreementMeter(kept).measure(motion(region=region), {Branch.RB: np.eye(7, dtype=np.float32)}, WHOLE, 0.0)
    assert str(found.others) == "40 moving regions of jhmdb21"
    (tmp_path / "net.motion.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(CheckpointError, match=r"net\.motion\.npz: it is not a bank of moving regions"):
        kept_regions(checkpoint)


def test_the_mean_region_stands_for_the_mean_over_regions():
    rng = np.random.default_rng(0)
    regions, heat = rng.random((5, 64, 64), np.float32), mass(rng.normal(size=(7, 7)).astype(np.float32))
    each = np.mean([share_inside(heat, region) for region in regions])
    assert share_inside(heat, regions.mean(axis=0)) == pytest.approx(each, rel=1e-5)


def test_mass_is_what_is_painted_and_a_flat_map_covers_everything_alike():
    assert mass(np.full((4, 4), -3.0, np.float32)).tolist() == np.ones((64, 64)).tolist()
    ramp = np.arange(49, dtype=np.float32).reshape(7, 7)
    assert mass(ramp) == pytest.approx(mass(3 * ramp - 100), abs=1e-4)
    assert share_inside(centre_prior(), np.ones((64, 64), np.float32)) == pytest.approx(1.0)


def test_the_streams_memory_is_bounded():
    stream = StreamRegions()
    for t in range(2000):
        stream.add(float(t), np.zeros((64, 64), np.float32))
    assert stream.others(2000.0).count < 300
