from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tmnet_app.source_control import SourceControl
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, open_source

Make = Callable[..., SourceControl]


@pytest.fixture
def make_control(qapp) -> Iterator[Make]:
    """A function that makes a control without a window, with a slot of its own."""
    made: list[SourceControl] = []

    def make(open_frames: Callable[[str], FrameSource] = open_source) -> SourceControl:
        frames: LatestSlot[Frame] = LatestSlot()
        made.append(SourceControl(open_frames, frames))
        return made[-1]

    yield make
    for control in made:
        control.close()
        assert control.state is PlaybackState.CLOSED


def noticed(control: SourceControl) -> Callable[[], bool]:
    """Whether nothing is being opened any more, once that was looked at."""

    def look() -> bool:
        control.notice()
        return not control.opening

    return look


def test_what_cannot_be_opened_leaves_the_source_before_at_work(make_control: Make, make_video, wait_until) -> None:
    control = make_control()
    opened: list[str] = []
    failed: list[str] = []
    control.opened.connect(opened.append)
    control.failed.connect(lambda told, details: failed.append(told))
    video = make_video(frames=5)
    control.set_loop(True)
    control.open(video)
    wait_until(noticed(control))
    assert (opened, control.source, control.frame_count, control.live) == ([str(video)], str(video), 5, False)

    control.open(video.with_name("absent.mp4"))
    wait_until(noticed(control))
    assert len(failed) == 1
    assert "absent.mp4" in failed[0]
    assert (opened, control.source, control.playing) == ([str(video)], str(video), True)


def test_an_opening_that_is_cancelled_or_overtaken_opens_nothing(make_control: Make, make_video, wait_until) -> None:
    go = threading.Event()
    slow, video = str(make_video("slow.mp4")), str(make_video())

    def open_frames(spec: str) -> FrameSource:
        if spec == slow:
            go.wait(10)
        return open_source(spec)

    control = make_control(open_frames)
    control.open(slow)
    assert control.opening == slow
    control.cancel_opening()
    assert (control.opening, control.source) == ("", "")
    control.open(slow)
    control.open(video)
    wait_until(noticed(control))
    go.set()
    control.notice()
    assert control.source == video


def test_speed_and_place_are_kept_within_what_there_is(
    make_control: Make, make_video: Callable[..., Path], wait_until
) -> None:
    control = make_control()
    control.set_speed(0.0)
    control.open(make_video(frames=9))
    wait_until(lambda: noticed(control)() and control.state is PlaybackState.ENDED)
    assert control.position == 8
    for places, speed in ((-1, 4.0), (-9, 0.25), (1, 0.5)):
        control.change_speed(places)
        assert control.speed == speed
    control.seek(99)
    wait_until(lambda: control.position == 8 and control.state is not PlaybackState.PLAYING)
    control.step(-3)
    wait_until(lambda: control.position == 5)
    control.jump(-1.0)
    wait_until(lambda: control.position == 0)
