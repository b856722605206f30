from __future__ import annotations

import numpy as np
import pytest

from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState, PlaybackStatus, StallWatch


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (PlaybackStatus(PlaybackState.PLAYING), "Playing"),
        (PlaybackStatus(PlaybackState.STALLED, "no picture comes", since=96.0), "Stalled for 4 s: no picture comes"),
        (PlaybackStatus(PlaybackState.RECONNECTING, "gone", attempt=3, next_try=102.1), "Reconnecting: try 3 in 2 s"),
        (PlaybackStatus(PlaybackState.RECONNECTING, "gone", attempt=3), "Reconnecting: try 3 now"),
    ],
)
def test_a_status_is_a_line_to_read(status: PlaybackStatus, line: str) -> None:
    assert status.describe(100.0) == line


def _frame(index: int, captured: float, value: int) -> Frame:
    return Frame(np.full((48, 64, 3), value, np.uint8), index, captured, captured)


def _watch(**settings: object) -> StallWatch:
    return StallWatch(**{"live": True, "fps": 30.0, "stands_still": False, **settings})


@pytest.mark.parametrize("fps", [None, 30.0, 0.2])
def test_a_slow_read_is_a_stall(fps: float | None) -> None:
    watch = _watch(fps=fps)
    limit = 25.0 if fps == 0.2 else 1.0
    assert watch.stall(1000.0) is None
    watch.read_began(10.0)
    assert watch.stall(10.0 + 0.9 * limit) is None
    assert watch.stall(10.0 + 1.1 * limit) == (10.0, "no picture comes")
    watch.read_ended()
    assert watch.stall(100.0) is None


@pytest.mark.parametrize(("stands_still", "stalls"), [(False, True), (True, False)])
def test_a_picture_that_repeats_is_a_stall_of_a_camera(stands_still: bool, stalls: bool) -> None:
    watch = _watch(stands_still=stands_still)
    for index in range(150):
        watch.frame_came(_frame(index, index / 30, min(index, 20)), 30.0)
    stall = watch.stall(150 / 30)
    assert (stall is not None) == stalls
    if stall:
        assert stall == (pytest.approx(21 / 30), "the same picture comes again and again")
        watch.frame_came(_frame(150, 5.0, 99), 30.0)
        assert watch.stall(5.1) is None


def test_a_collapsed_frame_rate_is_a_stall_until_it_is_back() -> None:
    watch = _watch()
    now = 0.0
    for index in range(90):
        now += 1 / 30
        watch.frame_came(_frame(index, now, index), 30.0)
    assert watch.stall(now) is None
    began = now + 0.5
    for index in range(8):
        now += 0.5
        watch.frame_came(_frame(index, now, index), 2.0)
    assert watch.stall(now) == (pytest.approx(began), "far fewer pictures come than the usual 30 a second")
    watch.frame_came(_frame(0, now, 77), 28.0)
    assert watch.stall(now) is None


def test_half_the_rate_is_no_stall() -> None:
    watch = _watch()
    for index in range(300):
        watch.frame_came(_frame(index, index / 15, index % 256), 30.0 if index < 100 else 15.0)
    assert watch.stall(20.0) is None
