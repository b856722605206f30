from __future__ import annotations

from pathlib import Path

import numpy as np

from tmnet_app.recorder import Recorder, Shot
from tmnet_core.attention.clip_memory import ClipMemory
from tmnet_core.attention.colours import own_scale
from tmnet_core.attention.composition import Composed
from tmnet_core.attention.measuring import GlanceMeter, Measured
from tmnet_core.attention.motion import MotionState
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.models.branch import Branch

PLACEMENT = Placement((160, 120), Box(0, 0, 160, 120))
MAP = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)


class Kept:
    """Keeps what was measured."""

    def __init__(self) -> None:
        self.measured: list[Measured] = []

    def write(self, shot: Shot, measured: Measured, seconds: float) -> None:
        self.measured.append(measured)

    def finish(self) -> Path:
        return Path("kept")

    def close(self) -> None: ...


def frame(number: int, *, negative: bool = False) -> Frame:
    """A square that moves over blotches, ten frames a second; its negative is another scene."""
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 130, (12, 16, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
    left = 10 + 4 * (number % 20)
    picture[40:70, left : left + 30] = 230
    return Frame(255 - picture if negative else picture, number, number / 10, 0.0)


def shot(frame: Frame, stream: object = "one") -> Shot:
    probabilities = dict.fromkeys(Branch, np.array([0.25, 0.75], np.float32))
    maps = dict.fromkeys((Branch.RB, Branch.CB), np.stack([MAP, MAP]))
    features = dict.fromkeys((Branch.RB, Branch.CB), np.ones(4, np.float32))
    glance = Glance(frame, PLACEMENT, probabilities, maps, features, 0.0)
    shown = dict.fromkeys((Branch.RB, Branch.CB), ShownMap(MAP, own_scale(MAP), "inferno", 1))
    return Shot(frame, PLACEMENT, glance, shown, stream, Composed([]), frame.time)


def meter() -> GlanceMeter:
    return GlanceMeter(None, ClipMemory(frames=8, interval=0.1))


def measured(shots: list[Shot], going_on_from: GlanceMeter | None = None) -> list[Measured]:
    kept = Kept()
    recorder = Recorder([kept], going_on_from or meter())
    for one in shots:
        recorder.add(one)
    recorder.close()
    assert recorder.failure is None
    return kept.measured


def test_a_clip_does_not_reach_over_a_cut():
    found = measured([shot(frame(n)) for n in range(4)] + [shot(frame(n, negative=True)) for n in range(4, 7)])
    assert found[4].agreement.state is MotionState.CUT
    assert [one.clip.frames for one in found] == [1, 2, 3, 4, 1, 2, 3]


def test_another_stream_has_no_past():
    found = measured([shot(frame(n)) for n in range(4)] + [shot(frame(n), "two") for n in range(4, 6)])
    assert found[4].agreement.state is MotionState.UNKNOWN
    assert [one.clip.frames for one in found] == [1, 2, 3, 4, 1, 2]


def test_all_that_is_recorded_is_what_the_screen_said_from_the_first_picture_on():
    screen, shots = meter(), [shot(frame(number)) for number in range(100)]
    said = [screen.measure(one.glance, dict.fromkeys(one.shown, MAP), "the screen's") for one in shots[:91]]
    # The first picture of a recording is the one that stands on the screen when it begins.
    handed = screen.copy()
    said += [screen.measure(one.glance, dict.fromkeys(one.shown, MAP), "the screen's") for one in shots[91:]]
    for one, other in zip(measured(shots[90:], handed), said[90:], strict=True):
        assert one.agreement.state is other.agreement.state is MotionState.MOVING
        assert str(one.agreement) == str(other.agreement)
        assert "this stream" in str(one.agreement)
        assert one.clip.frames == 8
        assert one.clip.cosine == other.clip.cosine
    anew = measured(shots[90:])
    assert [one.clip.frames for one in anew] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]
    assert all(one.agreement.others is None for one in anew)


def test_a_picture_that_is_shown_again_is_no_jump():
    found = measured([shot(frame(0)), shot(frame(1)), shot(frame(1)), shot(frame(2))])
    assert [one.clip.frames for one in found] == [1, 2, 2, 3]
