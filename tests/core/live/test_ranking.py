from __future__ import annotations

import numpy as np

from tmnet_core.live.ranking import StableRanking


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)


def test_the_first_order_is_taken_at_once():
    assert StableRanking().update(values(0.1, 0.5, 0.4), 2, now=0.0) == [1, 2]


def test_a_class_rises_only_after_half_a_second_ahead():
    ranking = StableRanking()
    ranking.update(values(0.5, 0.4, 0.1), 3, now=0.0)
    assert ranking.update(values(0.4, 0.5, 0.1), 3, now=1.0) == [0, 1, 2]
    assert ranking.update(values(0.4, 0.5, 0.1), 3, now=1.49) == [0, 1, 2]
    assert ranking.update(values(0.4, 0.5, 0.1), 3, now=1.5) == [1, 0, 2]


def test_a_class_that_is_far_ahead_rises_at_once():
    ranking = StableRanking()
    ranking.update(values(0.8, 0.1, 0.1), 3, now=0.0)
    assert ranking.update(values(0.05, 0.05, 0.9), 3, now=0.03)[0] == 2
    assert ranking.update(values(0.5, 0.2, 0.3), 3, now=0.06)[0] == 2, "ahead, but not far"
    assert ranking.update(values(0.6, 0.15, 0.25), 3, now=0.09)[0] == 0


def test_falling_behind_in_between_starts_the_wait_anew():
    ranking = StableRanking()
    ranking.update(values(0.55, 0.45), 2, now=0.0)
    ranking.update(values(0.45, 0.55), 2, now=1.0)
    ranking.update(values(0.55, 0.45), 2, now=1.3)
    assert ranking.update(values(0.45, 0.55), 2, now=1.6) == [0, 1]
    assert ranking.update(values(0.45, 0.55), 2, now=2.2) == [1, 0]


def test_an_outsider_enters_and_may_pass_several_at_once():
    ranking = StableRanking()
    ranking.update(values(0.4, 0.3, 0.2, 0.1), 3, now=0.0)
    assert ranking.update(values(0.29, 0.21, 0.1, 0.4), 3, now=1.0)[0] == 0
    assert ranking.update(values(0.29, 0.21, 0.1, 0.4), 3, now=1.6) == [3, 0, 1]


def test_another_stream_is_ordered_at_once():
    ranking = StableRanking()
    ranking.update(values(0.6, 0.4), 2, now=0.0)
    ranking.clear()
    assert ranking.update(values(0.4, 0.6), 2, now=0.1) == [1, 0]


def test_fewer_classes_than_before_start_anew():
    ranking = StableRanking()
    ranking.update(values(0.1, 0.2, 0.7), 2, now=0.0)
    assert ranking.update(values(0.1, 0.9), 2, now=0.1) == [1, 0]


def test_all_classes_equal_do_not_move():
    ranking = StableRanking()
    for tick in range(100):
        assert ranking.update(values(0.25, 0.25, 0.25, 0.25), 3, now=tick / 30) == [0, 1, 2]
