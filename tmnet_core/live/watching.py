"""The live path without a window: plays any source, looks as fast as the network can, and keeps the timing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glancer import GlanceModel, Glancer, GlancerState
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.player import Player
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, open_source
from tmnet_core.live.timing import Drops, TimingLog

_TAKE = 0.05
_OVER = {PlaybackState.ENDED, PlaybackState.FAILED}


@dataclass
class Watched:
    """What came of watching a source.

    Attributes:
        title: of the source.
        gives: what it turned out to give.
        glances: how many frames were looked at.
        drops: frames that were not, by cause.
        losses: how often the source was lost and opened again.
        error: why it ended early, empty otherwise.
        timing: when each frame was captured and looked at; it counts as shown once its answer was taken.
    """

    title: str = ""
    gives: str = ""
    glances: int = 0
    drops: Drops = field(default_factory=Drops)
    losses: int = 0
    error: str = ""
    timing: TimingLog = field(default_factory=TimingLog)
    ages: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """Return one line of figures."""
        age = f", median age {1e3 * statistics.median(self.ages):.0f} ms" if self.ages else ""
        dropped = f"dropped: capture {self.drops.capture}, network {self.drops.inference}"
        return f"{self.title}: {self.glances} glances{age}; {dropped}; lost {self.losses} times"


def watch(
    spec: str,
    model: GlanceModel,
    seconds: float,
    *,
    every_frame: bool = False,
    on_state: Callable[[str], None] = lambda line: None,
    open_frames: Callable[[str], FrameSource] = open_source,
) -> Watched:
    """Play a source for so long, or to its end, and look at its newest frames, or at every one of a file's.

    `on_state` is told a line whenever the state is another one. The model is closed in the end.
    """
    frames: LatestSlot[Frame] = LatestSlot()
    results: LatestSlot[Glance] = LatestSlot()
    player, glancer = Player(lambda: open_frames(spec), frames), Glancer(frames, results)
    player.every_frame = glancer.every_frame = every_frame
    glancer.load(lambda: model)
    glancer.start()
    watched = Watched()
    try:
        while glancer.state is GlancerState.LOADING:
            time.sleep(_TAKE)
        player.start()
        _follow(player, frames, results, watched, time.perf_counter() + seconds, on_state)
    finally:
        player.close()
        frames.close()
        glancer.close()
    return watched


def _follow(
    player: Player,
    frames: LatestSlot[Frame],
    results: LatestSlot[Glance],
    watched: Watched,
    deadline: float,
    on_state: Callable[[str], None],
) -> None:
    state = None
    while time.perf_counter() < deadline:
        if player.state is not state:
            state = player.state
            on_state(player.status.describe(time.perf_counter()))
        over = player.state in _OVER and frames.peek() is None
        glance = results.take(4 * _TAKE if over else _TAKE)
        if glance is not None:
            _note(watched, glance, Drops(player.passed_over, frames.dropped, results.dropped))
        elif over:
            break
    watched.title, watched.gives = player.title, player.gives
    watched.losses, watched.error = player.losses, player.error or ""
    watched.drops = Drops(player.passed_over, frames.dropped, results.dropped)


def _note(watched: Watched, glance: Glance, drops: Drops) -> None:
    now, frame = time.perf_counter(), glance.frame
    watched.glances += 1
    watched.ages.append(now - frame.captured)
    watched.timing.note(frame.index, frame.time, frame.captured, glance.finished, now, drops)
