"""Which source is open, which one is being opened, and how it plays."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from tmnet_app.sentences import sentence
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState, PlaybackStatus
from tmnet_core.live.player import Player
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, short_name

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 0.0)


class SourceControl(QObject):
    """Opens sources in the background and plays the one that is open; owns the capture thread.

    A source that cannot be opened leaves the one before at work.

    Args:
        open_frames: opens what a spec names.
        frames: where the newest frame goes.
    """

    opened = Signal(str)  # its spec: a path, an address, "camera:0"
    failed = Signal(str, str)  # one sentence, details
    changed = Signal()

    def __init__(
        self, open_frames: Callable[[str], FrameSource], frames: LatestSlot[Frame], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._open_frames = open_frames
        self._frames = frames
        self._player: Player | None = None
        self._opening: tuple[str, Player] | None = None
        self._source = ""
        self._loop = False
        self._speed = 1.0
        self._every_frame = False

    def close(self) -> None:
        """Stop and wait for the threads."""
        for player in (self._player, self._opening[1] if self._opening else None):
            if player is not None:
                player.close()
        self._player = self._opening = None

    def open(self, spec: str | Path) -> None:
        """Open a file, a stream or a device in the background and play it from then on."""
        name = str(spec)
        if self._opening is not None:
            self._opening[1].close(timeout=0)
        if self._player is not None and self._player.live and self._source == name:
            # A camera can be held only once.
            self._player.close()
        player = Player(lambda: self._open_frames(name), self._frames)
        player.loop = self._loop
        player.speed = self._speed
        player.every_frame = self._every_frame
        self._opening = name, player
        player.start()
        self.changed.emit()

    def cancel_opening(self) -> None:
        """Stay with what is open; nothing waits for the source that was to be opened."""
        if self._opening is not None:
            self._opening[1].close(timeout=0)
            self._opening = None
            self.changed.emit()

    @property
    def opening(self) -> str:
        """Spec of the source that is being opened, else empty."""
        return self._opening[0] if self._opening else ""

    @property
    def source(self) -> str:
        """Spec of the open source, empty before the first."""
        return self._source

    @property
    def title(self) -> str:
        """What to call the open source."""
        return self._player.title if self._player else ""

    @property
    def live(self) -> bool:
        """Whether the source sets its own pace."""
        return self._player is not None and self._player.live

    @property
    def gives(self) -> str:
        """What a camera or stream turned out to give; empty where there is nothing to say."""
        return self._player.gives if self._player else ""

    @property
    def state(self) -> PlaybackState:
        """What the source is doing; CLOSED without one."""
        return self.status.state

    @property
    def status(self) -> PlaybackStatus:
        """What the source is doing, and what there is to say of that."""
        return self._player.status if self._player else PlaybackStatus(PlaybackState.CLOSED)

    @property
    def playing(self) -> bool:
        """Whether new frames come, or should."""
        return self.state in {PlaybackState.PLAYING, PlaybackState.STALLED}

    @property
    def position(self) -> int:
        """Index of the last frame handed out, -1 before the first."""
        return self._player.position if self._player else -1

    @property
    def frame_count(self) -> int | None:
        """Frames of the source; None where there is no end."""
        return self._player.frames if self._player else None

    @property
    def fps(self) -> float | None:
        """Frames per second that the source says it has."""
        return self._player.fps if self._player else None

    @property
    def arriving(self) -> bool:
        """Whether frames already come of a source that the next `notice` makes the open one."""
        return self._opening is not None and self._opening[1].position >= 0

    @property
    def passed_over(self) -> int:
        """Frames of the open source that were left out to keep time."""
        return self._player.passed_over if self._player else 0

    @property
    def capture_rate(self) -> float:
        """Frames a second that come from the open source; NaN without one."""
        return self._player.captured.rate if self._player else math.nan

    def toggle_play(self) -> None:
        """Play, or pause; opens a source that failed again."""
        if self.state is PlaybackState.FAILED:
            self.open(self._source)
        elif self._player is not None:
            self._player.pause() if self.playing else self._player.play()

    def step(self, frames: int) -> None:
        """Pause and go some frames on or back."""
        if self._player is not None and not self.live:
            self._player.step(frames)

    def seek(self, index: int) -> None:
        """Go to a frame."""
        count = self.frame_count
        if self._player is not None and count:
            self._player.seek(max(0, min(index, count - 1)))

    def jump(self, seconds: float) -> None:
        """Go some seconds on or back."""
        self.seek(self.position + round(seconds * (self.fps or 0)))

    def play(self) -> None:
        """Go on."""
        if self._player is not None:
            self._player.play()

    def pause(self) -> None:
        """Hold the picture."""
        if self._player is not None:
            self._player.pause()

    @property
    def speed(self) -> float:
        """Playback speed, 0 for as fast as it can."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Set the speed of this source and of those to come."""
        self._speed = speed
        if self._player is not None:
            self._player.speed = speed
        self.changed.emit()

    def change_speed(self, places: int) -> None:
        """Go to the next higher or lower of the speeds offered."""
        place = SPEEDS.index(self._speed) + places
        self.set_speed(SPEEDS[max(0, min(place, len(SPEEDS) - 1))])

    def set_loop(self, loop: bool) -> None:
        """Start again at the end, or stay there."""
        self._loop = loop
        if self._player is not None:
            self._player.loop = loop

    def set_every_frame(self, every: bool) -> None:
        """Wait for each frame, or keep time; for this source and those to come."""
        self._every_frame = every
        if self._player is not None:
            self._player.every_frame = every

    # What the thread did

    def notice(self) -> None:
        """Take the source that was being opened for the open one once its frames come, or tell why they do not."""
        if self._opening is None:
            return
        name, player = self._opening
        if player.state is PlaybackState.FAILED:
            self._opening = None
            player.close()
            self.failed.emit(sentence(player.error or f"{short_name(name)} cannot be opened."), player.details)
        elif player.state is not PlaybackState.OPENING:
            self._adopt(name, player)

    def _adopt(self, name: str, player: Player) -> None:
        before, self._player, self._opening = self._player, player, None
        if before is not None:
            before.close()
        self._source = name
        self.opened.emit(name)

    def tell_failure(self) -> None:
        """Say again why the open source failed, where it did."""
        if self.state is PlaybackState.FAILED and self._player is not None and self._player.error:
            self.failed.emit(sentence(self._player.error), self._player.details)
