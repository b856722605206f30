"""What a player is doing, in a form that a person can read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from tmnet_core.live.frames import Frame

_SLOW_READ = 1.0
_SLOW_READ_FRAMES = 5
_REPEATED = 3.0
_COLLAPSED = 0.25
_COLLAPSED_FOR = 2.0
_USUAL_SMOOTHING = 0.02
# Enough of a picture's rows to tell whether it is the one before, at next to no cost.
_COMPARED_ROWS = 16


class PlaybackState(StrEnum):
    """What a player is doing."""

    OPENING = "opening"
    PLAYING = "playing"
    PAUSED = "paused"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PlaybackStatus:
    """A state and what there is to say of it.

    Attributes:
        state: what the player is doing.
        reason: why it is STALLED, RECONNECTING or FAILED, as a piece of a sentence or a sentence.
        since: `time.perf_counter()` when a stall began.
        attempt: which try to reconnect is next, or under way.
        next_try: `time.perf_counter()` of that try, None while it is under way.
    """

    state: PlaybackState
    reason: str = ""
    since: float | None = None
    attempt: int = 0
    next_try: float | None = None

    def describe(self, now: float) -> str:
        """Return a line such as `Stalled for 4 s: no picture comes` or `Reconnecting: try 3 in 2 s`."""
        words = self.state.value.capitalize()
        if self.state is PlaybackState.STALLED and self.since is not None:
            return f"{words} for {now - self.since:.0f} s: {self.reason}"
        if self.state is PlaybackState.RECONNECTING:
            wait = 0.0 if self.next_try is None else max(0.0, self.next_try - now)
            return f"{words}: try {self.attempt}" + (f" in {wait:.0f} s" if wait >= 0.5 else " now")
        return words


class StallWatch:
    """Tells a source that plays from one that merely seems to.

    The thread that reads tells it what happens; any thread may ask.
    """

    def __init__(self, *, live: bool, fps: float | None, stands_still: bool) -> None:
        self._live = live
        self._compares = live and not stands_still
        self._limit = max(_SLOW_READ, _SLOW_READ_FRAMES / fps) if fps else _SLOW_READ
        self._reading: float | None = None
        self._picture = b""
        self._repeats_since: float | None = None
        self._usual = 0.0
        self._slow_since: float | None = None

    def read_began(self, now: float) -> None:
        """A frame is waited for."""
        self._reading = now

    def read_ended(self) -> None:
        """It came, or will not come."""
        self._reading = None

    def frame_came(self, frame: Frame, rate: float) -> None:
        """Compare a frame with the one before, and the rate of frames with what is usual here."""
        if not self._live:
            return
        now = frame.captured
        if self._compares:
            picture = _fingerprint(frame)
            if picture != self._picture:
                self._picture, self._repeats_since = picture, None
            elif self._repeats_since is None:
                self._repeats_since = now
        if rate and rate < _COLLAPSED * self._usual:
            self._slow_since = now if self._slow_since is None else self._slow_since
        else:
            self._slow_since = None
            self._usual += (rate - self._usual) * (_USUAL_SMOOTHING if self._usual else 1.0)

    def stall(self, now: float) -> tuple[float, str] | None:
        """Return since when, and why, what is there to see is not what happens now; None where all is well."""
        reading, repeats, slow = self._reading, self._repeats_since, self._slow_since
        if reading is not None and now - reading > self._limit:
            return reading, "no picture comes" if self._live else "reading takes long"
        if repeats is not None and now - repeats > _REPEATED:
            return repeats, "the same picture comes again and again"
        if slow is not None and now - slow > _COLLAPSED_FOR:
            return slow, f"far fewer pictures come than the usual {self._usual:.0f} a second"
        return None


def _fingerprint(frame: Frame) -> bytes:
    rows = frame.image[:: max(1, len(frame.image) // _COMPARED_ROWS)]
    return hashlib.blake2b(rows.tobytes(), digest_size=16).digest()
