import numpy as np
import pytest

from tmnet_core.reproduction.statistics import PairedDifference, Spread, compare_paired


def test_the_interval_is_of_the_paired_difference():
    rng = np.random.default_rng(0)
    hard = rng.random(400)  # clips differ much, the two sides hardly
    left, right = np.clip(hard + 0.02, 0, 1), np.clip(hard, 0, 1)
    difference = compare_paired([left], [right])
    assert difference.mean == pytest.approx((left - right).mean())
    assert difference.low < difference.mean < difference.high
    assert difference.high - difference.low < 0.01
    assert difference.verdict() == "higher"


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(60):
        values = rng.normal(0.1, 1.0, (1, 80))
        difference = compare_paired(list(values), [np.zeros(80)], seed=trial)
        covered += difference.low <= 0.1 <= difference.high
    assert 50 <= covered <= 60


def test_of_five_seeds_the_chance_of_training_is_in_it():
    clips = np.zeros(200)
    runs = [clips + share for share in (0.1, -0.1, 0.3, 0.1, 0.1)]  # seeds differ, clips do not
    assert compare_paired(runs[:2], [clips, clips]).verdict() == "undecided"
    of_four, of_five = compare_paired(runs[:4], [clips] * 4), compare_paired(runs, [clips] * 5)
    assert of_four.high - of_four.low == pytest.approx(0, abs=1e-9)
    assert of_five.low == pytest.approx(-0.02, abs=0.03)
    assert of_five.high == pytest.approx(0.22, abs=0.03)


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
    assert PairedDifference((low + high) / 2, low, high, 1).verdict(margin) == verdict


def test_one_seed_has_no_spread():
    assert Spread.of([3.0]) == Spread(3.0, None)
    assert Spread.of([2.0, 4.0]) == Spread(3.0, pytest.approx(2**0.5))
