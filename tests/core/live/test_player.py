from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.player import Player
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, PatternSource, VideoFileSource, read_pattern_number

MakeVideo = Callable[..., Path]
ReadBarCode = Callable[[np.ndarray], int]

_PATIENCE = 10.0


class _Record(LatestSlot[Frame]):
    """A slot that remembers all that went through, and lets a test wait for what it expects."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.states: list[PlaybackState] = []
        self.player: Player
        self.listener: Callable[[], None] = lambda: None
        self._news = threading.Condition()

    def put(self, item: Frame) -> None:
        with self._news:
            self.frames.append(item)
            self._news.notify_all()
        super().put(item)

    def changed(self) -> None:
        with self._news:
            self.states.append(self.player.state)
            self.listener()
            self._news.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, _PATIENCE), (
                f"waited in vain: {self.player.state}, {self.player.error}, frames {self.indices[-10:]}"
            )

    def wait_for_state(self, state: PlaybackState) -> None:
        self.wait_for(lambda: self.player.state is state)

    def wait_for_frame(self, index: int) -> None:
        self.wait_for(lambda: bool(self.frames) and self.frames[-1].index == index)

    @property
    def indices(self) -> list[int]:
        return [frame.index for frame in self.frames]


@pytest.fixture
def play() -> Iterator[Callable[..., tuple[Player, _Record]]]:
    """A function that makes a player, not yet started; the test closes nothing itself."""
    players: list[Player] = []

    def make(open_: Callable[[], FrameSource], **settings: object) -> tuple[Player, _Record]:
        record = _Record()
        record.player = Player(open_, record, on_change=record.changed, **settings)
        players.append(record.player)
        return record.player, record

    yield make
    for player in players:
        player.close(_PATIENCE)


Play = Callable[..., tuple[Player, _Record]]


class _Numbers(FrameSource):
    """A file of 1×1 pictures; `delay` seconds to read one, and an error in place of frame `broken`."""

    def __init__(self, frames: int, fps: float, *, delay: float = 0.0, broken: int | None = None) -> None:
        self.title, self.live, self.width, self.height, self.fps = "numbers", False, 1, 1, fps
        self.times = [index / fps for index in range(frames)]
        self.closed = False
        self._delay, self._broken = delay, broken
        self._next = 0

    def read(self) -> Frame | None:
        if self._next == self._broken:
            raise SourceError("The disk of numbers was pulled out.")
        if self._next >= len(self.times):
            return None
        threading.Event().wait(self._delay)
        self._next += 1
        index = self._next - 1
        return Frame(np.zeros((1, 1, 3), np.uint8), index, self.times[index], time.perf_counter())

    def seek(self, index: int) -> None:
        self._next = index

    def close(self) -> None:
        self.closed = True


class _Camera(FrameSource):
    """A live source that gives a picture whenever the test lets it, until it is switched off."""

    def __init__(self) -> None:
        self.title, self.live, self.width, self.height, self.fps = "fake camera", True, 1, 1, None
        self.closed = False
        self.reads = 0
        self._on = True
        self._shutter = threading.Semaphore(0)

    def shoot(self, pictures: int = 1) -> None:
        self._shutter.release(pictures)

    def switch_off(self) -> None:
        self._on = False
        self._shutter.release()

    def read(self) -> Frame | None:
        self._shutter.acquire(timeout=_PATIENCE)
        if not self._on:
            return None
        self.reads += 1
        return Frame(np.zeros((1, 1, 3), np.uint8), self.reads - 1, 0.0, time.perf_counter())

    def close(self) -> None:
        self.closed = True


def test_a_file_plays_every_frame_once_and_keeps_the_last(
    make_video: MakeVideo, read_bar_code: ReadBarCode, play: Play
) -> None:
    path = make_video(frames=20, fps=100)
    player, record = play(lambda: VideoFileSource(path))
    player.speed = 0
    assert player.state is PlaybackState.OPENING
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    assert record.indices == list(range(20))
    assert [read_bar_code(frame.image) for frame in record.frames] == list(range(20))
    assert record.states == [PlaybackState.PLAYING, PlaybackState.ENDED]
    assert (player.position, player.time) == (19, pytest.approx(0.19))
    assert record.take(0).index == 19
    assert (player.title, player.live, player.fps, player.frames) == (path.name, False, 100.0, 20)


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_no_frame_comes_before_its_time(speed: float, play: Play) -> None:
    player, record = play(lambda: _Numbers(30, fps=50))
    player.speed = speed
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    start = record.frames[0].captured
    # The clock starts when the first frame was read, a moment after its capture.
    assert all(frame.captured - start >= frame.time / speed for frame in record.frames)
    assert player.passed_over + len(record.frames) == 30


def test_a_late_player_passes_frames_over_and_keeps_time(play: Play) -> None:
    player, record = play(lambda: _Numbers(100, fps=100, delay=0.05))
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    assert player.passed_over > 30
    assert player.passed_over + len(record.frames) == 100
    # One by one it would have taken 5 seconds for this one second.
    assert record.frames[-1].captured - record.frames[0].captured < 3.0


def test_a_changed_speed_takes_effect_while_waiting(play: Play) -> None:
    player, record = play(lambda: _Numbers(10, fps=0.02))
    player.start()
    record.wait_for_frame(0)
    player.speed = 0
    record.wait_for_state(PlaybackState.ENDED)
    assert record.indices == list(range(10))


@pytest.mark.parametrize("speed", [0.1, 5.0, -1.0, float("nan")])
def test_impossible_speeds_are_refused(speed: float, play: Play) -> None:
    player, _ = play(lambda: _Numbers(1, fps=1))
    with pytest.raises(ValueError, match="Speed"):
        player.speed = speed
    assert player.speed == 1.0


def test_pause_holds_the_frame_and_play_goes_on_from_there(play: Play) -> None:
    player, record = play(lambda: _Numbers(1000, fps=100))
    player.start()
    record.wait_for(lambda: len(record.frames) > 3)
    player.pause()
    record.wait_for_state(PlaybackState.PAUSED)
    held = len(record.frames)
    player.play()
    record.wait_for(lambda: len(record.frames) > held + 2)
    # The time spent paused does not count as being late.
    assert record.indices[held] == record.indices[held - 1] + 1


def test_a_player_paused_before_it_opens_shows_the_first_frame(play: Play) -> None:
    player, record = play(lambda: _Numbers(10, fps=100))
    player.pause()
    player.start()
    record.wait_for_state(PlaybackState.PAUSED)
    assert record.indices == [0]


def test_steps_show_the_neighbours(make_video: MakeVideo, read_bar_code: ReadBarCode, play: Play) -> None:
    path = make_video(options={"g": "250", "bf": "3"})
    player, record = play(lambda: VideoFileSource(path))
    player.pause()
    player.seek(15)
    player.start()
    record.wait_for_frame(15)
    for step, expected in [(1, 16), (1, 17), (-1, 16), (-1, 15), (-5, 10), (100, 29), (-100, 0), (1, 1)]:
        player.step(step)
        record.wait_for_frame(expected)
        assert read_bar_code(record.frames[-1].image) == expected
        record.wait_for_state(PlaybackState.PAUSED)
    assert record.indices == [15, 16, 17, 16, 15, 10, 29, 0, 1]


def test_steps_in_quick_succession_add_up(play: Play) -> None:
    player, record = play(lambda: _Numbers(100, fps=100, delay=0.02))
    player.pause()
    player.start()
    record.wait_for_frame(0)
    for _ in range(7):
        player.step(1)
    record.wait_for_frame(7)


def test_a_step_while_playing_pauses(play: Play) -> None:
    player, record = play(lambda: _Numbers(1000, fps=50))
    player.start()
    record.wait_for(lambda: len(record.frames) > 2)
    player.step(-1)
    record.wait_for_state(PlaybackState.PAUSED)
    assert record.indices[-1] == record.indices[-2] - 1


def test_seek_while_paused_shows_the_frame_asked_for(
    make_video: MakeVideo, read_bar_code: ReadBarCode, play: Play
) -> None:
    path = make_video(options={"g": "10", "bf": "2"})
    player, record = play(lambda: VideoFileSource(path))
    player.pause()
    player.start()
    for wanted in (20, 3, 29, 0, 11, 12):
        player.seek(wanted)
        record.wait_for_frame(wanted)
        assert read_bar_code(record.frames[-1].image) == wanted
    record.wait_for_state(PlaybackState.PAUSED)
    assert player.position == 12


def test_seek_while_playing_goes_on_from_there(play: Play) -> None:
    player, record = play(lambda: _Numbers(1000, fps=50))
    player.start()
    record.wait_for(lambda: len(record.frames) > 2)
    player.seek(500)
    record.wait_for(lambda: record.indices[-1] > 501)
    assert 500 in record.indices
    assert player.state is PlaybackState.PLAYING


@pytest.mark.parametrize(("asked", "shown"), [(-5, 0), (10**6, 9)])
def test_seeks_stay_within_the_file(asked: int, shown: int, play: Play) -> None:
    player, record = play(lambda: _Numbers(10, fps=100))
    player.pause()
    player.seek(asked)
    player.start()
    record.wait_for_frame(shown)


def test_play_after_the_end_starts_over(play: Play) -> None:
    player, record = play(lambda: _Numbers(5, fps=100))
    player.speed = 0
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    player.play()
    record.wait_for(lambda: len(record.states) == 4)
    assert record.states[2:] == [PlaybackState.PLAYING, PlaybackState.ENDED]
    assert record.indices == [0, 1, 2, 3, 4] * 2


def test_seek_and_step_after_the_end_show_their_frame(play: Play) -> None:
    player, record = play(lambda: _Numbers(5, fps=100))
    player.speed = 0
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    player.step(-1)
    record.wait_for_frame(3)
    record.wait_for_state(PlaybackState.PAUSED)
    player.play()
    record.wait_for_state(PlaybackState.ENDED)
    player.seek(2)
    record.wait_for_frame(2)
    record.wait_for_state(PlaybackState.PAUSED)


def test_loop_starts_over_until_it_is_switched_off(play: Play) -> None:
    player, record = play(lambda: _Numbers(5, fps=100))
    player.speed, player.loop = 0, True
    player.start()
    record.wait_for(lambda: len(record.frames) > 12)
    player.loop = False
    record.wait_for_state(PlaybackState.ENDED)
    assert record.indices == [0, 1, 2, 3, 4] * (len(record.frames) // 5)


def test_the_last_frame_keeps_its_time_before_a_loop(play: Play) -> None:
    player, record = play(lambda: _Numbers(2, fps=10))
    player.loop = True
    player.start()
    record.wait_for(lambda: record.indices.count(0) == 2)
    last, again = record.frames[-2:]
    assert again.captured - last.captured > 0.05


def test_a_source_that_does_not_open_fails_with_its_sentence(tmp_path: Path, play: Play) -> None:
    player, record = play(lambda: VideoFileSource(tmp_path / "none.mp4"))
    player.start()
    record.wait_for_state(PlaybackState.FAILED)
    assert player.error == f"{tmp_path / 'none.mp4'} cannot be read as a video: there is no such file."
    assert (player.title, player.frames, player.position) == ("", None, -1)


def test_an_error_while_reading_ends_it_with_its_sentence(play: Play) -> None:
    source = _Numbers(10, fps=100, broken=4)
    player, record = play(lambda: source)
    player.speed = 0
    player.start()
    record.wait_for_state(PlaybackState.FAILED)
    assert player.error == "The disk of numbers was pulled out."
    player.close()
    assert source.closed
    assert record.indices[-1] == 3


def test_an_unforeseen_error_is_caught_and_logged(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    def explode() -> FrameSource:
        raise ZeroDivisionError("division by zero")

    player, record = play(explode)
    player.start()
    record.wait_for_state(PlaybackState.FAILED)
    assert player.error == "The source cannot be played: division by zero."
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("state", [PlaybackState.PLAYING, PlaybackState.PAUSED, PlaybackState.ENDED])
def test_close_ends_the_thread_in_any_state(state: PlaybackState, play: Play) -> None:
    source = _Numbers(10, fps=0.01)
    player, record = play(lambda: source)
    player.start()
    record.wait_for_state(PlaybackState.PLAYING)
    if state is PlaybackState.PAUSED:
        player.pause()
    elif state is PlaybackState.ENDED:
        player.speed = 0
    record.wait_for_state(state)
    changes = len(record.states)
    player.close()
    assert player.state is PlaybackState.CLOSED
    assert source.closed
    assert not [thread for thread in threading.enumerate() if thread.name == "player"]
    assert len(record.states) == changes


def test_close_does_not_wait_for_ever_for_a_source_that_hangs_while_opening(play: Play) -> None:
    opened, proceed = _Numbers(10, fps=100), threading.Event()

    def hang() -> FrameSource:
        proceed.wait(_PATIENCE)
        return opened

    player, record = play(hang)
    player.start()
    player.close(timeout=0.01)
    assert player.state is PlaybackState.CLOSED
    proceed.set()
    player.close(_PATIENCE)
    assert opened.closed
    assert record.frames == []
    assert record.states == []


def test_a_player_can_be_closed_unstarted_and_twice(play: Play) -> None:
    player, _ = play(lambda: _Numbers(1, fps=1))
    player.close()
    player.close()
    assert player.state is PlaybackState.CLOSED


def test_a_paused_camera_goes_on_being_read_but_hands_out_nothing(play: Play) -> None:
    camera = _Camera()
    player, record = play(lambda: camera)
    player.start()
    camera.shoot(3)
    record.wait_for_frame(2)
    assert player.live
    assert player.frames is None
    player.pause()
    camera.shoot(1)
    record.wait_for_state(PlaybackState.PAUSED)
    handed_out = len(record.frames)
    camera.shoot(5)
    player.play()
    camera.shoot(1)
    record.wait_for_state(PlaybackState.PLAYING)
    camera.shoot(1)
    record.wait_for(lambda: len(record.frames) > handed_out)
    assert record.indices[handed_out] > handed_out
    camera.switch_off()
    record.wait_for_state(PlaybackState.ENDED)


def test_a_camera_ignores_what_only_files_can_do(play: Play) -> None:
    camera = _Camera()
    player, record = play(lambda: camera)
    player.start()
    player.loop, player.speed = True, 4.0
    player.seek(100)
    camera.shoot(2)
    record.wait_for_frame(1)
    assert player.state is PlaybackState.PLAYING
    player.step(-1)
    camera.shoot(2)
    record.wait_for_frame(3)
    assert player.state is PlaybackState.PLAYING
    camera.switch_off()


def test_a_failing_listener_does_not_stop_the_player(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("no window any more")

    slot = LatestSlot[Frame]()
    player = Player(lambda: _Numbers(3, fps=100), slot, on_change=fail)
    player.start()
    assert slot.take(_PATIENCE) is not None
    assert slot.take(_PATIENCE) is not None
    player.close()
    assert player.error is None
    assert "no window any more" in caplog.text


class _Unplugged(_Camera):
    """A camera that is lost once it was switched off."""

    def read(self) -> Frame | None:
        frame = super().read()
        if frame is None:
            raise SourceLostError("The camera was unplugged.")
        return frame


def test_a_lost_camera_is_tried_until_it_is_back_and_goes_on_counting(play: Play) -> None:
    cameras = [_Unplugged(), _Unplugged()]
    answers = iter([cameras[0], SourceError("There is no camera 0."), SourceError("Still none."), cameras[1]])

    def open_() -> FrameSource:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    player, record = play(open_, back_off=(0.01, 0.02))
    seen = []
    record.listener = lambda: seen.append(player.status)
    player.start()
    cameras[0].shoot(3)
    record.wait_for_frame(2)
    cameras[0].switch_off()
    cameras[1].shoot(1)
    record.wait_for_frame(3)
    record.wait_for_state(PlaybackState.PLAYING)
    assert cameras[0].closed
    assert record.frames[3].time >= record.frames[2].time
    tries = [(status.attempt, status.reason, status.next_try is None) for status in seen if status.attempt]
    assert tries == [
        (1, "The camera was unplugged.", False),
        (1, "The camera was unplugged.", True),
        (2, "There is no camera 0.", False),
        (2, "There is no camera 0.", True),
        (3, "Still none.", False),
        (3, "Still none.", True),
    ]
    assert player.losses == 3
    cameras[1].switch_off()


def test_reconnecting_can_be_hurried_and_ended(play: Play) -> None:
    cameras = [_Unplugged(), _Unplugged(), _Unplugged()]
    answers = iter(cameras)
    player, record = play(lambda: next(answers), back_off=(3600.0,))
    player.start()
    for number, camera in enumerate(cameras[:2]):
        camera.shoot(1)
        record.wait_for_frame(number)
        camera.switch_off()
        record.wait_for_state(PlaybackState.RECONNECTING)
        player.play()
    cameras[2].shoot(1)
    record.wait_for_frame(2)
    cameras[2].switch_off()
    record.wait_for_state(PlaybackState.RECONNECTING)
    player.close()
    assert player.state is PlaybackState.CLOSED
    assert cameras[2].closed


class _Crashing(_Numbers):
    """A file whose reader is lost at some frames, the first time or whenever they are read."""

    once: ClassVar[set[int]] = {3}
    always: ClassVar[set[int]] = {5}

    def read(self) -> Frame | None:
        if self._next in self.once | self.always:
            self.once.discard(self._next)
            raise SourceLostError("The reader crashed.")
        return super().read()


def test_a_file_goes_on_where_its_reader_was_lost(play: Play) -> None:
    player, record = play(lambda: _Crashing(10, fps=100), back_off=(0.01,))
    player.speed = 0
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    # Frame 3 came with the second reader; frame 5 took two along, and was left out.
    assert record.indices == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert player.losses == 3


def test_a_file_that_loses_every_reader_fails(play: Play) -> None:
    class Hopeless(_Numbers):
        def read(self) -> Frame | None:
            raise SourceLostError("The reader crashed.")

    player, record = play(lambda: Hopeless(10, fps=100), back_off=(0.01,))
    player.start()
    record.wait_for_state(PlaybackState.FAILED)
    assert player.error == "The reader crashed."


def test_an_unforeseen_error_while_reading_is_survived(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(_Numbers):
        stumbled = False

        def read(self) -> Frame | None:
            if self._next == 4 and not Clumsy.stumbled:
                Clumsy.stumbled = True
                raise ZeroDivisionError("division by zero")
            return super().read()

    player, record = play(lambda: Clumsy(8, fps=100), back_off=(0.01,))
    player.speed = 0
    player.start()
    record.wait_for_state(PlaybackState.ENDED)
    assert record.indices == list(range(8))
    assert "ZeroDivisionError" in caplog.text


def test_a_camera_that_gives_nothing_is_seen_to_stall(play: Play) -> None:
    camera = _Camera()
    player, record = play(lambda: camera)
    player.start()
    camera.shoot(1)
    record.wait_for_frame(0)
    deadline = time.perf_counter() + _PATIENCE
    while player.state is not PlaybackState.STALLED:
        assert time.perf_counter() < deadline
        time.sleep(0.02)
    assert player.status.describe(player.status.since + 2.0) == "Stalled for 2 s: no picture comes"
    camera.shoot(1)
    record.wait_for_frame(1)
    record.wait_for_state(PlaybackState.PLAYING)
    camera.switch_off()


def test_every_frame_skips_none_however_slow_the_taker(play: Play) -> None:
    player, record = play(lambda: PatternSource("pattern:64x48@200#60"))
    player.every_frame = True
    player.start()
    taken: list[int] = []
    while len(taken) < 60:
        frame = record.take(_PATIENCE)
        assert frame is not None
        taken.append(read_pattern_number(frame.image))
        time.sleep(0.01)
    assert taken == list(range(60))
    assert (player.passed_over, record.dropped) == (0, 0)


def test_real_time_shows_the_newest_to_a_slow_taker(play: Play) -> None:
    player, record = play(lambda: PatternSource("pattern:64x48@200#400"))
    player.start()
    taken: list[Frame] = []
    while player.state is not PlaybackState.ENDED or record.peek() is not None:
        frame = record.take(0.1)
        if frame is not None:
            taken.append(frame)
            # Nothing newer had been due longer than the machine needs to hand it out.
            assert frame.index >= record.frames[-1].index - 1
            time.sleep(0.05)
    numbers = [read_pattern_number(frame.image) for frame in taken]
    assert numbers == [frame.index for frame in taken] == sorted(set(numbers))
    assert len(numbers) < 60
    assert len(numbers) + record.dropped + player.passed_over == 400


def test_every_frame_can_be_left_while_it_waits(play: Play) -> None:
    player, record = play(lambda: _Numbers(1000, fps=100))
    player.every_frame = True
    player.start()
    record.wait_for_frame(0)
    player.seek(500)
    record.wait_for_frame(500)
    player.every_frame = False
    record.wait_for(lambda: record.indices[-1] > 510)
