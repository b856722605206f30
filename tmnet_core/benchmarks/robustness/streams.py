"""Plays from a server that fails, and sees whether it is back when the server is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from tmnet_core.benchmarks.robustness.report import StressRow
from tmnet_core.benchmarks.robustness.stream_server import Mood, StreamServer
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.player import Player
from tmnet_core.live.slot import LatestSlot
from tmnet_core.live.sources import FrameSource, StreamSource, read_pattern_number

PATIENCE = 15.0
FAULTS = tuple(mood for mood in Mood if mood is not Mood.GOOD)
_STREAM_TIMEOUT = 2.0
_TAKE = 0.02


def stress_streams(
    cycles: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    open_stream: Callable[[str], FrameSource] = lambda url: StreamSource(url, _STREAM_TIMEOUT),
) -> list[StressRow]:
    """Let a stream fail so many times, each in one of six ways, and return a row for each way.

    A cycle fails where the player does not notice, or does not play again within 15 seconds of the server's return.
    """
    rng = np.random.default_rng(seed)
    faults = [FAULTS[place % len(FAULTS)] for place in range(cycles)]
    rng.shuffle(faults)
    rows = {fault: StressRow(what=f"a stream that {fault}", tried=0) for fault in FAULTS}
    waits: dict[Mood, list[float]] = {fault: [] for fault in FAULTS}
    with StreamServer() as server:
        slot: LatestSlot[Frame] = LatestSlot()
        player = Player(lambda: open_stream(server.url), slot)
        player.start()
        try:
            _wait(player, slot, lambda frame: frame is not None)
            for number, fault in enumerate(faults):
                rows[fault].tried += 1
                _cycle(server, player, slot, rows[fault], waits[fault], fault)
                progress(number + 1, cycles)
        finally:
            player.close(PATIENCE)
    for fault, row in rows.items():
        if waits[fault]:
            row.detail = f"back after {statistics.median(waits[fault]):.2f} s, at most {max(waits[fault]):.2f} s"
    return [row for row in rows.values() if row.tried]


def _cycle(
    server: StreamServer, player: Player, slot: LatestSlot[Frame], row: StressRow, waits: list[float], fault: Mood
) -> None:
    server.mood = fault
    if fault is Mood.TORN:
        # Half a picture is shown as half a picture; it must not cost the ones after it.
        noticed = _wait(player, slot, lambda frame: frame is not None)
        outcome = "went on"
    elif fault is Mood.RESIZED:
        noticed = _wait(player, slot, lambda frame: frame is not None and frame.image.shape[1] == 320)
        outcome = "went on in the new size"
    else:
        noticed = _wait(player, slot, lambda frame: player.state is not PlaybackState.PLAYING)
        outcome = f"{player.state}, then played on"
    if not noticed:
        row.failures.append(f"not noticed: {player.status}")
    server.mood = Mood.GOOD
    back = time.perf_counter()
    slot.take(0)
    if _wait(player, slot, lambda frame: player.state is PlaybackState.PLAYING and _is_good(frame)):
        waits.append(time.perf_counter() - back)
        row.count(outcome)
    else:
        row.failures.append(f"not back: {player.status}, {player.error}")


def _is_good(frame: Frame | None) -> bool:
    """Whether this is a whole picture of the pattern: its bars repeat what its number says."""
    return frame is not None and frame.image.shape == (120, 160, 3) and read_pattern_number(frame.image) < 2**15


def _wait(player: Player, slot: LatestSlot[Frame], done: Callable[[Frame | None], bool]) -> bool:
    deadline = time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        if done(slot.take(_TAKE)):
            return True
    return False
