import numpy as np
import pytest

from tmnet_core.reproduction.statistics import PairedDifference, Spread, compare_paired, student_95


def test_the_interval_is_of_the_paired_difference():
    rng = np.random.default_rng(0)
    hard = rng.random(400)  # clips differ much, the two sides hardly
    left, right = np.clip(hard + 0.02, 0, 1), np.clip(hard, 0, 1)
    difference = compare_paired([left], [right])
    assert difference.mean == pytest.approx((left - right).mean())
    assert difference.low < difference.mean < difference.high
    assert difference.high - difference.low < 0.01


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(60):
        values = rng.normal(0.1, 1.0, (1, 80))
        difference = compare_paired(list(values), [np.zeros(80)], seed=trial)
        covered += difference.low <= 0.1 <= difference.high
    assert 50 <= covered <= 60


def test_of_two_seeds_the_chance_of_training_is_in_it():
    clips = np.zeros(200)
    runs = [clips + share for share in (0.1, -0.1, 0.3, 0.1, 0.1)]  # seeds differ, clips do not
    of_one = compare_paired(runs[:1], [clips])
    assert of_one.high - of_one.low == pytest.approx(0, abs=1e-9)
    assert of_one.verdict() == "undecided"  # whatever its interval: other seeds may say otherwise
    assert compare_paired(runs[:2], [clips] * 2).verdict() == "undecided"
    of_five = compare_paired(runs, [clips] * 5)
    reach = 2.776445 * np.std([0.1, -0.1, 0.3, 0.1, 0.1], ddof=1) / 5**0.5  # t of four degrees of freedom
    assert (of_five.low, of_five.high) == pytest.approx((0.1 - reach, 0.1 + reach))


@pytest.mark.parametrize("seeds", [2, 4])
def test_the_interval_covers_new_seeds_and_new_sources_as_often_as_it_says(seeds):
    """Clips of one source are right or wrong together, and runs of one seed share their luck."""
    rng = np.random.default_rng(2)
    sources = np.repeat(np.arange(30), 5).astype(str)
    covered = 0
    for _ in range(300):
        of_sources = np.repeat(rng.normal(0, 0.1, 30), 5)
        runs = [0.1 + rng.normal(0, 0.02) + of_sources + rng.normal(0, 0.1, 150) for _ in range(seeds)]
        found = compare_paired(runs, [np.zeros(150)] * seeds, sources)
        covered += found.low <= 0.1 <= found.high
    assert covered >= 274  # of 95 % in 300, less three deviations


@pytest.mark.parametrize("seeds", [1, 2])
def test_one_source_video_allows_no_interval(seeds):
    found = compare_paired([np.ones(9)] * seeds, [np.zeros(9)] * seeds, ["film"] * 9)
    assert (found.mean, found.low, found.high) == (1.0, -1.0, 1.0)
    assert found.verdict() == "undecided"


def test_student_s_t_is_that_of_tables():
    for freedom, t in ((1, 12.7062), (2, 4.30265), (10, 2.22814), (120, 1.97993)):
        assert student_95(freedom) == pytest.approx(t, abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.01, 0.05, 0.0, "higher"),
        (-0.05, -0.01, 0.0, "lower"),
        (-0.01, 0.05, 0.0, "undecided"),
        (-0.01, 0.05, 0.02, "higher"),
        (-0.05, -0.01, 0.02, "undecided"),
        (-0.05, -0.03, 0.02, "lower"),
    ],
)
def test_a_verdict_is_given_where_the_interval_allows_one(low, high, margin, verdict):
    assert PairedDifference((low + high) / 2, low, high, 3).verdict(margin) == verdict


def test_one_seed_has_no_spread():
    assert Spread.of([3.0]) == Spread(3.0, None)
    assert Spread.of([2.0, 4.0]) == Spread(3.0, pytest.approx(2**0.5))
