from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import AttentionMaps
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.models.branch import Branch

FRAME = Frame(np.zeros((8, 8, 3), np.uint8), 0, 0.0, 0.0)


def frame(time: float, bars: int = 2, shift: int = 0) -> Frame:
    """A striped picture that hardly moves; another number of bars is another scene."""
    columns = np.sin((np.arange(80) + shift) * 2 * np.pi * bars / 80)
    picture = np.repeat(np.repeat(columns[None, :, None], 60, axis=0), 3, axis=2)
    return Frame((128 + 100 * picture).astype(np.uint8), round(time * 25), time, 0.0)


def glance(maps: dict[Branch, np.ndarray], now: float = 0.0, frame: Frame = FRAME) -> Glance:
    probabilities = {
        Branch.RB: np.float32([0.6, 0.3, 0.1]),
        Branch.CB: np.float32([0.1, 0.2, 0.7]),
        Branch.FUSED: np.float32([0.35, 0.25, 0.4]),
    }
    kept = {branch: probabilities[branch] for branch in Branch if branch in maps or len(maps) == 2}
    return Glance(frame, Placement((8, 8), Box(0, 0, 8, 8)), kept, maps, {}, now)


@pytest.fixture
def both() -> Glance:
    rng = np.random.default_rng(0)
    return glance({branch: rng.normal(size=(3, 4, 4)).astype(np.float32) for branch in (Branch.RB, Branch.CB)})


def choose(seen: Glance, *, maps: AttentionMaps | None = None, leader: int = 2, pinned: int = -1, **settings):
    return (maps or AttentionMaps()).choose(
        seen, seen.probabilities, AttentionSettings(**settings), leader=leader, pinned=pinned
    )


def test_all_pictures_show_the_leading_class(both):
    assert {name: shown.index for name, shown in choose(both).items()} == {"rb": 2, "cb": 2, "both": 2}


def test_each_branch_can_show_its_own_class(both):
    assert {name: shown.index for name, shown in choose(both, shows="own").items()} == {"rb": 0, "cb": 2, "both": 2}


def test_a_pinned_class_takes_the_place_of_all(both):
    for shows in ("fused", "own"):
        shown = choose(both, pinned=1, shows=shows)
        assert {name: each.index for name, each in shown.items()} == {"rb": 1, "cb": 1, "both": 1}
        np.testing.assert_array_equal(shown["rb"].values, both.maps[Branch.RB][1])
        np.testing.assert_array_equal(shown["cb"].values, both.maps[Branch.CB][1])
        # The classifier is linear: the mean map averages to the mean of what the branches' maps average to.
        mean = (both.maps[Branch.RB][1].mean() + both.maps[Branch.CB][1].mean()) / 2
        assert shown["both"].values.mean() == pytest.approx(mean, abs=1e-6)


def test_one_scale_for_all_or_one_for_each(both):
    scales = {(shown.scale.low, shown.scale.high) for shown in choose(both).values()}
    assert len(scales) == 1
    (low, high) = scales.pop()
    rb, cb = both.maps[Branch.RB][2], both.maps[Branch.CB][2]
    assert low == 0.0
    assert high == max(rb.max(), cb.max())
    own = choose(both, scale="own")
    assert (own["rb"].scale.low, own["rb"].scale.high) == (0.0, rb.max())
    assert (own["cb"].scale.low, own["cb"].scale.high) == (0.0, cb.max())
    usual = choose(both, scale="min-max")
    assert (usual["rb"].scale.low, usual["rb"].scale.high) == (rb.min(), rb.max())
    assert usual["both"].scale.high == usual["both"].values.max()


def test_the_difference_has_zero_in_its_middle(both):
    shown = choose(both, third="difference")["both"]
    assert shown.difference
    assert shown.scale.low == -shown.scale.high
    np.testing.assert_array_equal(shown.values, both.maps[Branch.RB][2] - both.maps[Branch.CB][2])


def test_a_network_of_one_branch_has_one_map(both):
    alone = glance({Branch.CB: both.maps[Branch.CB]})
    assert set(choose(alone)) == {"cb"}


@pytest.fixture
def after(both):
    """A function that gives the map of RB after a step by 1 between two frames, as a share of the step."""

    def step(
        first: Frame, second: Frame, *, finished: float = 0.1, still: bool = False, began_still: bool = False
    ) -> float:
        maps, settings = AttentionMaps(), AttentionSettings(smoothing=1.0)
        seen = glance(both.maps, 0.0, first)
        maps.choose(seen, seen.probabilities, settings, leader=2, still=began_still)
        later = glance({branch: values + 1.0 for branch, values in both.maps.items()}, finished, second)
        shown = maps.choose(later, later.probabilities, settings, leader=2, still=still)
        return float((shown["rb"].values - both.maps[Branch.RB][2]).mean())

    return step


def test_maps_are_averaged_over_the_streams_time_however_fast_it_is_looked_at(after):
    for finished in (0.001, 0.4, 30.0):
        assert after(frame(1.0), frame(1.4), finished=finished) == pytest.approx(1 - np.exp(-0.4), abs=1e-5)


def test_a_still_picture_a_cut_and_a_jump_start_the_average_anew(after):
    assert after(frame(1.0), frame(1.04), still=True) == pytest.approx(1.0, abs=1e-5)
    assert after(frame(1.0), frame(1.04, bars=7, shift=20)) == pytest.approx(1.0, abs=1e-5)
    assert after(frame(1.0), frame(0.2)) == pytest.approx(1.0, abs=1e-5)
    assert after(frame(1.0), frame(2.0)) == pytest.approx(1.0, abs=1e-5)
    assert after(frame(1.0), frame(1.04)) == pytest.approx(1 - np.exp(-0.04), abs=1e-5)


def test_what_plays_on_from_a_still_picture_is_averaged_with_it(after):
    assert after(frame(1.0), frame(1.04), began_still=True) == pytest.approx(1 - np.exp(-0.04), abs=1e-5)
