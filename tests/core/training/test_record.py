import math

import pytest

from tmnet_core.training.events import Continued, Ended, Event, Paused, Skipped, Started, Stepped, Validated
from tmnet_core.training.record import CURVES, RunRecord


def started(iteration: int = 0) -> Started:
    return Started(
        iteration=iteration, iterations=100, device="CPU", classes=3, clips=9, validation_clips=6, weights="none"
    )


def step(iteration: int, time: float = 0.0, regression: float | None = 0.5) -> Stepped:
    return Stepped(
        iteration=iteration,
        epoch=0,
        loss=2.0 / iteration,
        classification_loss=1.0 / iteration,
        regression_loss=regression,
        learning_rate=0.1,
        clips_per_second=3.0,
        time=time,
    )


def validated(iteration: int, top1: float, best: bool) -> Validated:
    return Validated(iteration=iteration, metrics={"RB": {"top1": top1}, "CB": {"top1": top1 / 2}}, best=best)


def record_of(*events: Event) -> RunRecord:
    record = RunRecord()
    record.add(events)
    return record


def test_curves_and_figures() -> None:
    record = record_of(started(), step(1), step(2, regression=None), validated(2, 0.5, True), validated(3, 0.4, False))
    assert record.curve("loss")[0].tolist() == [1, 2]
    assert record.curve("loss")[1].tolist() == [2, 1]
    assert math.isnan(record.curve("regression_loss")[1][1])
    assert record.validation_curve("CB") == ([2, 3], [0.25, 0.2])
    assert record.branches == ["RB", "CB"]
    assert record.best is not None
    assert (record.best.iteration, record.iteration, record.iterations) == (2, 3, 100)


def test_what_happened_after_the_last_save_is_forgotten_when_the_run_goes_on() -> None:
    before = [started(), *map(step, range(1, 21)), validated(10, 0.5, True), validated(20, 0.6, True)]
    record = record_of(*before, started(10))
    assert (record.steps, record.iteration, record.best.iteration) == (10, 10, 10)
    record.add([step(11), step(12), Ended(iteration=12, outcome="stopped")])
    assert record.curve("loss")[0].tolist() == list(range(1, 13))
    assert record.ended is not None
    record.add([started(12)])
    assert record.ended is None


def test_time_left_is_told_at_the_pace_since_the_last_pause() -> None:
    record = record_of(started(), step(1, 10.0))
    assert record.seconds_left() is None
    record.add([step(11, 30.0)])
    assert record.seconds_left() == pytest.approx(89 * 2.0)
    record.add([Paused(iteration=11)])
    assert record.paused
    record.add([Continued(iteration=11), step(12, 1000.0), step(22, 1010.0)])
    assert not record.paused
    assert record.seconds_left() == pytest.approx(78 * 1.0)


def test_a_long_run_is_all_there() -> None:
    record = record_of(started(), *map(step, range(1, 5001)), Skipped(iteration=1, video="a", reason="b"))
    for name in CURVES:
        assert len(record.curve(name)[0]) == 5000
    assert record.skipped == {"a": "b"}
