"""The capture thread: reads a source at its pace and keeps the newest frame in a slot."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState, PlaybackStatus, StallWatch
from tmnet_core.live.rates import RateMeter
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource

logger = logging.getLogger(__name__)

_SLOWEST, _FASTEST = 0.25, 4.0
_FPS_WHEN_UNKNOWN = 25.0
# Seconds before the tries to reopen a source that was lost; the last one holds for all that follow. A camera that is
# plugged in again is to play within three seconds.
_BACK_OFF = (0.5, 1.0, 2.0)
# So often a file may be lost without a frame in between; a live source is tried for ever.
_MOST_LOSSES = 4
# Played frame by frame, a file that is later than this does not hurry to catch up.
_TOO_LATE = 0.1
_TURN = 0.05


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the thread does next: enter a state, and show a frame or wait so many seconds (None: to be woken)."""

    state: PlaybackState
    show: int | None = None
    wait: float | None = None
    moved: bool = False
    asked_for: bool = False


class _Clock:
    """Tells where in a file, in seconds, playing should be now."""

    def __init__(self) -> None:
        self.running = False
        self._started = self._from = 0.0
        self._speed = 1.0

    def start(self, position: float, speed: float) -> None:
        """Be at `position` now and advance at `speed`; at speed 0 every position is due."""
        self.running = True
        self._started, self._from, self._speed = time.perf_counter(), position, speed

    def stop(self) -> None:
        """Forget the time: whatever comes next is due at once."""
        self.running = False

    def now(self) -> float:
        """The position that is due."""
        return self._from + (time.perf_counter() - self._started) * self._speed

    def until(self, position: float) -> float:
        """Seconds to wait until a position is due, negative if late."""
        return (position - self.now()) / self._speed if self._speed else 0.0


class Player:
    """Plays a source into a slot from a thread of its own.

    It opens the source and plays it, unless `pause` was called before. All controls return at once and may be
    called from any thread, also before the source is open; `state` follows a moment later, and `on_change` is
    called from the player's thread whenever it does, when a seek or step has shown its frame, and when playing
    wraps around; a STALLED source is noticed by whoever asks. Once `close` was called, nothing more reaches the slot
    or `on_change`.
    A file keeps time: each frame is due at its presentation time over the speed, and a player that is late passes
    over the frames whose successor is due as well, unless `every_frame` says that it waits. A live source sets its
    own pace; it can be played and paused (its frames are dropped meanwhile), and ignores seek, step, loop and speed.
    A source that is lost is opened again, a live one until it is there, and goes on where it was.

    Attributes:
        loop: whether to start over at the end.
        error: one sentence that says why it is FAILED.
        details: the traceback behind that, empty where the sentence says it all.
        position: index of the frame handed out last, -1 before the first.
        time: presentation time of that frame in seconds.
        passed_over: how many frames were never handed out, being late.
        losses: how often the source was lost.
        captured: the rate at which frames are handed out.
    """

    def __init__(
        self,
        open: Callable[[], FrameSource],
        slot: LatestSlot[Frame],
        *,
        on_change: Callable[[], None] = lambda: None,
        back_off: Sequence[float] = _BACK_OFF,
    ) -> None:
        self.loop = False
        self.error: str | None = None
        self.details = ""
        self.position = -1
        self.time = 0.0
        self.passed_over = 0
        self.losses = 0
        self.captured = RateMeter()
        self._open = open
        self._slot = slot
        self._on_change = on_change
        self._back_off = back_off
        self._status = PlaybackStatus(PlaybackState.OPENING)
        self._source: FrameSource | None = None  # the one that plays, or did
        self._pending: FrameSource | None = None  # the one that is being opened or read
        self._watch: StallWatch | None = None
        # What the controls ask for; guarded by the condition, which wakes the thread.
        self._asked = threading.Condition()
        self._playing = True
        self._target: int | None = None
        self._speed = 1.0
        self._every_frame = False
        self._ended = False
        self._retry = False
        self._closing = False
        self._clock = _Clock()
        # The frame that follows the one handed out last, which is also where the source stands.
        self._next = 0
        self._losses_here = 0
        self._live_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    @property
    def state(self) -> PlaybackState:
        """What it is doing."""
        return self.status.state

    @property
    def status(self) -> PlaybackStatus:
        """What it is doing, and what there is to say of that."""
        status, watch = self._status, self._watch
        stall = watch.stall(time.perf_counter()) if watch and status.state is PlaybackState.PLAYING else None
        return PlaybackStatus(PlaybackState.STALLED, stall[1], since=stall[0]) if stall else status

    @property
    def title(self) -> str:
        """What to call the source; empty until it is open."""
        return self._source.title if self._source else ""

    @property
    def live(self) -> bool:
        """Whether the source is live; False until it is open."""
        return self._source.live if self._source else False

    @property
    def fps(self) -> float | None:
        """The source's frames per second."""
        return self._source.fps if self._source else None

    @property
    def frames(self) -> int | None:
        """How many frames the source has; None if live or not open."""
        return self._source.frames if self._source else None

    @property
    def gives(self) -> str:
        """What a device or stream turned out to give; empty where there is nothing to say."""
        return self._source.gives if self._source else ""

    @property
    def speed(self) -> float:
        """File seconds per second, 0.25 to 4; 0 hands frames out as fast as they decode, leaving none out."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if speed != 0.0 and not _SLOWEST <= speed <= _FASTEST:
            raise ValueError(f"Speed {speed} is neither 0 nor within {_SLOWEST} to {_FASTEST}.")
        with self._asked:
            self._speed = speed
            self._clock.stop()
            self._asked.notify()

    @property
    def every_frame(self) -> bool:
        """Whether a file waits until each frame was taken from the slot; otherwise it keeps time, the newest wins."""
        return self._every_frame

    @every_frame.setter
    def every_frame(self, every: bool) -> None:
        with self._asked:
            self._every_frame = every
            self._clock.stop()
            self._asked.notify()

    def start(self) -> None:
        """Open the source in the player's thread."""
        self._thread.start()

    def play(self) -> None:
        """Go on; from the beginning, if ENDED. While RECONNECTING, try at once."""
        with self._asked:
            if self._ended:
                self._target = 0
            self._playing = self._retry = True
            self._asked.notify()

    def pause(self) -> None:
        """Stay at the frame handed out last; a source still to be opened will show its first frame."""
        with self._asked:
            self._playing = False
            self._asked.notify()

    def step(self, frames: int) -> None:
        """Pause, and show the frame this many after (or, if negative, before) the one shown; stops at both ends."""
        if self.live:
            return
        with self._asked:
            self._playing = False
            self._target = frames + (self.position if self._target is None else self._target)
            self._asked.notify()

    def seek(self, index: int) -> None:
        """Show this frame, or the nearest there is; a player that was ENDED is then PAUSED."""
        with self._asked:
            self._target = index
            self._asked.notify()

    def close(self, timeout: float | None = 2.0) -> None:
        """End the thread and close the source; waits up to `timeout` seconds for a read that is under way."""
        with self._asked:
            self._closing = True
            self._asked.notify()
            pending = self._pending
        if pending is not None:
            pending.interrupt()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        self._status = PlaybackStatus(PlaybackState.CLOSED)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._open_and_play()
                return
            except Exception as error:
                if not isinstance(error, SourceError) and not self._closing:
                    logger.error("The player failed.", exc_info=error)
                if not (self._may_come_back(error) and self._wait_to_retry(error)):
                    self._fail(error)
                    return

    def _may_come_back(self, error: Exception) -> bool:
        """Whether opening again may help: a source was there before, and either was lost or is live."""
        source = self._source
        refused = isinstance(error, SourceError) and not isinstance(error, SourceLostError)
        # Opened again, a camera may not be there yet.
        return source is not None and (source.live or not refused)

    def _open_and_play(self) -> None:
        source = self._open()
        with self._asked:
            self._pending = source
            if self._closing:
                source.close()
                return
        try:
            source.open()
            self._begin(source)
            if source.live:
                self._follow(source)
            else:
                self._play_file(source)
        finally:
            with self._asked:
                self._pending = None
            source.close()

    def _begin(self, source: FrameSource) -> None:
        """Take an open source in use, and go on in it where the one before was lost."""
        self._watch = StallWatch(live=source.live, fps=source.fps, stands_still=source.stands_still)
        again, self._source = self._source is not None, source
        if not again or source.live:
            return
        self._clock.stop()
        # A frame that killed its reader twice is left out.
        self._next = min(self._next + (1 if self._losses_here > 1 else 0), len(source.times) - 1)
        source.seek(self._next)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, SourceError):
            self.error = str(error)
            self.details = "\n".join(getattr(error, "__notes__", ()))
        else:
            cause = "there is not enough memory" if isinstance(error, MemoryError) else str(error)
            self.error = f"{self.title or 'The source'} cannot be played: {cause or type(error).__name__}."
            self.details = "".join(traceback.format_exception(error))
        self._enter(PlaybackState.FAILED)

    def _wait_to_retry(self, error: Exception) -> bool:
        """Wait until it is time to open a lost source again; False where that is given up, or the player closed."""
        self.losses += 1
        self._losses_here += 1
        # What never gave a picture is not lost, but useless.
        hopeless = self.position < 0 if self.live else self._losses_here > _MOST_LOSSES
        if self._closing or hopeless:
            return False
        attempt = self._losses_here
        delay = self._back_off[min(attempt, len(self._back_off)) - 1]
        deadline = time.perf_counter() + delay
        status = PlaybackStatus(PlaybackState.RECONNECTING, str(error), attempt=attempt)
        self._retry = False
        self._announce(replace(status, next_try=deadline))
        with self._asked:
            self._asked.wait_for(lambda: self._closing or self._retry, max(0.0, deadline - time.perf_counter()))
            if self._closing:
                return False
        self._announce(status)
        return True

    def _read(self, source: FrameSource) -> Frame | None:
        watch = self._watch
        if watch is None:
            return source.read()
        watch.read_began(time.perf_counter())
        try:
            return source.read()
        finally:
            watch.read_ended()

    def _follow(self, source: FrameSource) -> None:
        first = self.position + 1
        while not self._closing:
            if self._status.state is not PlaybackState.RECONNECTING:
                self._enter(PlaybackState.PLAYING if self._playing else PlaybackState.PAUSED)
            frame = self._read(source)
            if frame is None:
                self._enter(PlaybackState.ENDED)
                return
            if self._live_since is None:
                self._live_since = frame.captured
            if first:
                frame = replace(frame, index=first + frame.index, time=frame.captured - self._live_since)
            # It is back once a picture has come, not when it merely opens.
            self._enter(PlaybackState.PLAYING if self._playing else PlaybackState.PAUSED)
            # Paused, the camera is still read, so that its queue holds nothing old when playing goes on.
            if self._playing or self.position < 0:
                self._hand_out(frame)

    def _play_file(self, source: FrameSource) -> None:
        while True:
            with self._asked:
                if self._closing:
                    return
                plan = self._plan(source.times)
                if plan.show is None and plan.state == self._status.state:
                    self._asked.wait(plan.wait)
                    continue
            if plan.show is not None:
                self._show(source, plan.show, at_once=plan.asked_for)
            self._enter(plan.state, moved=plan.moved)

    def _plan(self, times: Sequence[float]) -> _Plan:
        """Decide what to do now; called with the condition held."""
        playing = PlaybackState.PLAYING
        if self._target is not None:
            return self._plan_seek(self._target, len(times))
        if not self._playing:
            self._clock.stop()
            if self.position < 0:
                return _Plan(PlaybackState.PAUSED, show=0)
            return _Plan(PlaybackState.ENDED if self._ended else PlaybackState.PAUSED)
        if self._next >= len(times):
            return self._plan_end(times)
        if not self._clock.running or self._speed == 0.0:
            return _Plan(playing, show=self._next)
        wait = self._clock.until(times[self._next])
        if wait > 0.0:
            return _Plan(playing, wait=wait)
        if self._every_frame:
            if wait < -_TOO_LATE:
                self._clock.stop()
            return _Plan(playing, show=self._next)
        due = max(self._next, bisect_right(times, self._clock.now()) - 1)
        self.passed_over += due - self._next
        return _Plan(playing, show=due)

    def _plan_seek(self, target: int, frames: int) -> _Plan:
        self._target = None
        self._ended = False
        self._clock.stop()
        index = min(max(target, 0), frames - 1)
        state = PlaybackState.PLAYING if self._playing else PlaybackState.PAUSED
        return _Plan(
            state, show=None if index == self.position and not self._playing else index, moved=True, asked_for=True
        )

    def _plan_end(self, times: Sequence[float]) -> _Plan:
        """After the last frame: leave it its time, then start over or end."""
        if not self._clock.running:
            self._clock.start(times[-1], self._speed)
        wait = self._clock.until(times[-1] + 1.0 / (self.fps or _FPS_WHEN_UNKNOWN))
        if wait > 0.0:
            return _Plan(PlaybackState.PLAYING, wait=wait)
        self._clock.stop()
        if self.loop:
            return _Plan(PlaybackState.PLAYING, show=0, moved=True)
        self._playing, self._ended = False, True
        return _Plan(PlaybackState.ENDED)

    def _show(self, source: FrameSource, index: int, *, at_once: bool) -> None:
        if index != self._next:
            source.seek(index)
        frame = self._read(source)
        if frame is None:
            if self.position < 0:
                raise SourceError(f"{source.title} cannot be played: no frame of it can be decoded.")
            self._next = len(source.times)
            return
        self._next = frame.index + 1
        with self._asked:
            if not self._clock.running:
                self._clock.start(frame.time, self._speed)
        self._hand_out(frame, at_once=at_once)

    def _hand_out(self, frame: Frame, *, at_once: bool = False) -> None:
        while self._must_wait and not at_once and not self._slot.wait_until_taken(_TURN):
            pass
        with self._asked:
            if self._closing:
                return
            self._losses_here = 0
            self.position, self.time = frame.index, frame.time
            self.captured.tick(frame.captured)
            self._slot.put(frame)
        if self._watch is not None:
            self._watch.frame_came(frame, self.captured.rate_at(frame.captured))

    @property
    def _must_wait(self) -> bool:
        """Whether a frame that nobody has taken yet may not be replaced; one that is left anyway may."""
        return self._every_frame and not self.live and not self._closing and self._target is None

    def _enter(self, state: PlaybackState, *, moved: bool = False) -> None:
        self._announce(PlaybackStatus(state, self.error or "" if state is PlaybackState.FAILED else ""), moved=moved)

    def _announce(self, status: PlaybackStatus, *, moved: bool = False) -> None:
        with self._asked:
            if self._closing or (status == self._status and not moved):
                return
            self._status = status
        try:
            self._on_change()
        except Exception:
            logger.exception("Whoever follows the player failed.")
