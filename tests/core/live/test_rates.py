from __future__ import annotations

import pytest

from tmnet_core.live.rates import RateMeter


def _ticked(*times: float) -> RateMeter:
    meter = RateMeter()
    for time in times:
        meter.tick(time)
    return meter


@pytest.mark.parametrize("rate", [1.5, 2, 10, 29.97, 240])
def test_a_steady_rate_is_read_exactly(rate: float) -> None:
    times = [index / rate for index in range(int(5 * rate))]
    meter = _ticked(*times)
    assert meter.rate_at(times[-1]) == pytest.approx(rate)
    assert meter.rate_at(times[-1] + 0.99 / rate) == pytest.approx(rate)


def test_only_the_last_second_counts() -> None:
    slow_then_fast = [index / 5 for index in range(20)] + [4.0 + index / 50 for index in range(100)]
    assert _ticked(*slow_then_fast).rate_at(slow_then_fast[-1]) == pytest.approx(50)


def test_the_rate_sinks_when_ticks_stop() -> None:
    times = [index / 30 for index in range(60)]
    rates = [_ticked(*times).rate_at(times[-1] + late) for late in (0.0, 0.3, 0.6, 0.99, 1.01)]
    assert rates == sorted(rates, reverse=True)
    assert rates[1] < 25
    assert rates[-1] == 0.0


def test_a_pause_does_not_weigh_on_the_rate_afterwards() -> None:
    assert _ticked(0.0, 0.1, 60.0, 60.1, 60.2).rate_at(60.2) == pytest.approx(10)


def test_nothing_and_one_event_have_no_rate() -> None:
    assert RateMeter().rate == 0.0
    assert _ticked(5.0).rate_at(5.0) == 0.0


def test_the_clock_is_used_when_no_time_is_given() -> None:
    meter = RateMeter()
    meter.tick()
    meter.tick()
    assert meter.rate > 0.0
