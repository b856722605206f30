import numpy as np
import pytest

from tmnet_core.data.sampling import (
    ClipSampling,
    Segment,
    glance_indices,
    key_frame_fraction,
    key_frame_index,
    spread_fractions,
)


@pytest.mark.parametrize(
    ("sampling", "video_frames", "indices"),
    [
        (ClipSampling("interval", 4, 2), 7, [0, 2, 4, 6]),
        (ClipSampling("interval", 4, 2), 12, [2, 4, 6, 8]),
        (ClipSampling("interval", 4, 5), 12, [1, 4, 7, 10]),  # 3 is the largest interval that fits
        (ClipSampling("interval", 4, 2), 5, [0, 1, 2, 3]),
        (ClipSampling("interval", 4, 2), 4, [0, 1, 2, 3]),
        (ClipSampling("interval", 4, 2), 3, [0, 1, 1, 2]),
        (ClipSampling("interval", 4, 2), 2, [0, 0, 1, 1]),
        (ClipSampling("interval", 4, 2), 1, [0, 0, 0, 0]),
        (ClipSampling("interval", 1, 2), 9, [4]),
        (ClipSampling("even", 4), 16, [2, 6, 10, 14]),
        (ClipSampling("even", 4), 10, [1, 3, 6, 8]),
        (ClipSampling("even", 4), 2, [0, 0, 1, 1]),
        (ClipSampling("segments", 3), 30, [5, 15, 25]),
        (ClipSampling("segments", 3), 2, [0, 1, 1]),
    ],
)
def test_evaluation_clips(sampling: ClipSampling, video_frames: int, indices: list[int]) -> None:
    assert sampling.indices(video_frames).tolist() == indices


def test_the_papers_clip_of_a_video_that_is_long_enough() -> None:
    assert ClipSampling().indices(31).tolist() == list(range(0, 31, 2))


@pytest.mark.parametrize(
    ("sampling", "long_enough"),
    [
        (ClipSampling(), 31),
        (ClipSampling("interval", 4, 5), 16),
        (ClipSampling("interval", 1, 5), 1),
        (ClipSampling("even", 4, 5), 4),
        (ClipSampling("segments", 3), 3),
    ],
)
def test_a_clip_is_too_long_where_its_interval_shrinks_or_frames_repeat(
    sampling: ClipSampling, long_enough: int
) -> None:
    """By what comes out: the clip of a video that is just long enough is as asked, and that of a shorter one is not."""
    assert not sampling.is_too_long_for(long_enough)
    found = np.diff(sampling.indices(long_enough))
    assert (found >= (sampling.interval if sampling.mode == "interval" else 1)).all()
    if long_enough > 1:
        assert sampling.is_too_long_for(long_enough - 1)
        shorter = np.diff(sampling.indices(long_enough - 1))
        assert (shorter < (sampling.interval if sampling.mode == "interval" else 1)).any()


def drawn(sampling: ClipSampling, video_frames: int) -> list[list[int]]:
    rng = np.random.default_rng(0)
    return [sampling.indices(video_frames, rng).tolist() for _ in range(400)]


def test_training_starts_an_interval_clip_anywhere_it_fits() -> None:
    clips = drawn(ClipSampling("interval", 4, 2), 9)
    assert {tuple(clip) for clip in clips} == {(0, 2, 4, 6), (1, 3, 5, 7), (2, 4, 6, 8)}


def test_training_shifts_an_even_grid_within_one_interval() -> None:
    clips = drawn(ClipSampling("even", 4), 16)
    assert {tuple(clip) for clip in clips} == {(i, i + 4, i + 8, i + 12) for i in range(4)}


def test_training_draws_each_segments_frame_on_its_own() -> None:
    clips = np.array(drawn(ClipSampling("segments", 3), 12))
    for segment in range(3):
        assert set(clips[:, segment]) == set(range(4 * segment, 4 * segment + 4))
    assert len({tuple(clip) for clip in clips - [0, 4, 8]}) > 4


@pytest.mark.parametrize("mode", ["interval", "even", "segments"])
def test_short_videos_in_training_stay_in_order_and_within(mode: str) -> None:
    for video_frames in range(1, 12):
        for clip in drawn(ClipSampling(mode, 8, 3), video_frames)[:40]:
            assert len(clip) == 8
            assert clip == sorted(clip)
            assert clip[0] >= 0
            assert clip[-1] < video_frames


@pytest.mark.parametrize("arguments", [{"mode": "random"}, {"frames": 0}, {"interval": 0}])
def test_sampling_that_makes_no_sense(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sampling mode|at least 1"):
        ClipSampling(**arguments)


def test_a_video_without_frames_has_no_clip() -> None:
    with pytest.raises(ValueError, match="without frames"):
        ClipSampling().indices(0)


@pytest.mark.parametrize(
    ("segment", "positions"),
    [
        ("beginning", {1: 0, 2: 0, 4: 0, 8: 1, 16: 2}),
        ("middle", {1: 0, 2: 1, 4: 2, 8: 4, 16: 8}),
        ("ending", {1: 0, 2: 1, 4: 3, 8: 6, 16: 13}),
    ],
)
def test_centred_key_frames(segment: Segment, positions: dict[int, int]) -> None:
    fraction = key_frame_fraction(segment)
    assert {count: key_frame_index(fraction, count) for count in positions} == positions


@pytest.mark.parametrize(
    ("segment", "positions"),
    [("beginning", {0, 1, 2, 3}), ("middle", {4, 5, 6, 7}), ("ending", {8, 9, 10, 11})],
)
def test_random_key_frames_stay_in_their_third(segment: Segment, positions: set[int]) -> None:
    rng = np.random.default_rng(0)
    fractions = [key_frame_fraction(segment, "random", rng) for _ in range(200)]
    assert {key_frame_index(fraction, 12) for fraction in fractions} == positions


def test_a_random_key_frame_needs_a_generator() -> None:
    with pytest.raises(ValueError, match="random generator"):
        key_frame_fraction("middle", "random")


def test_glances_spread_over_a_video() -> None:
    assert spread_fractions(1) == (0.5,)
    assert spread_fractions(4) == (0.125, 0.375, 0.625, 0.875)
    assert glance_indices(21, spread_fractions(3)).tolist() == [3, 10, 17]
    assert glance_indices(2, spread_fractions(4)).tolist() == [0, 0, 1, 1]
    assert glance_indices(1, [0.0, 0.999]).tolist() == [0, 0]
