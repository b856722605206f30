"""A demo film: several people do several things in several scenes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tmnet_core.data.synthetic_people.actions import CLASSES, Style, pose_curves
from tmnet_core.data.synthetic_people.dataset import write_video
from tmnet_core.data.synthetic_people.renderer import Subset
from tmnet_core.data.synthetic_people.shot import Shot, draw_setting, plan
from tmnet_core.data.synthetic_people.skeleton import Array, Pose
from tmnet_core.files import replacing

_ACTION_S = 2.4
_ACTIONS_A_SHOT = 3
_BLEND_S = 0.4  # from one action to the next
_FPS = 25
_TRAVELLING = {"walk", "run"}  # the picture has room for one a shot


@dataclass(frozen=True)
class Segment:
    """What is done from `start` to `end`, in seconds of the film."""

    start: float
    end: float
    action: str
    shot: int  # a cut lies between segments of different shots


def write_film(
    path: Path,
    seed: int = 0,
    seconds: float = 40,
    size: tuple[int, int] = (320, 240),
    subset: Subset = "validation",
    progress: Callable[[int, int], None] | None = None,
) -> list[Segment]:
    """Write an MP4 of about that length and, beside it, PATH.json with the list of its segments.

    A shot has up to three actions in sequence; then comes a cut to another person in another scene.
    """
    shots = _script(seed, seconds)
    segments = _segments(shots)
    total = round(segments[-1].end * _FPS)

    def counted() -> Iterator[npt.NDArray[np.uint8]]:
        frames = (frame for i, actions in enumerate(shots) for frame in _shot(actions, seed + i, size, subset))
        for done, frame in enumerate(frames, start=1):
            yield frame
            if progress is not None:
                progress(done, total)

    with replacing(path) as temporary:
        write_video(temporary, counted(), _FPS, size)
    with replacing(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps([vars(segment) for segment in segments], indent=1), encoding="utf-8")
    return segments


def _script(seed: int, seconds: float) -> list[tuple[str, ...]]:
    """The actions of every shot: all classes in random order; who sat down stands up before a cut."""
    rng = np.random.default_rng([seed, len(CLASSES)])
    wanted = max(1, round(seconds / _ACTION_S))
    actions: list[str] = []
    while len(actions) < wanted:
        names = [name for name in CLASSES if name != "stand_up"]
        for name in rng.permutation(names).tolist():
            actions += ["sit_down", "stand_up"] if name == "sit_down" else [name]
    shots: list[tuple[str, ...]] = []
    for action in actions[:wanted]:
        shot = shots[-1] if shots else ()
        full = len(shot) == _ACTIONS_A_SHOT or (action == "sit_down" and len(shot) == _ACTIONS_A_SHOT - 1)
        walks_on = action in _TRAVELLING and not set(shot).isdisjoint(_TRAVELLING)
        if not shot or full or walks_on:
            shots.append((action,))
        else:
            shots[-1] = (*shot, action)
    return shots


def _segments(shots: list[tuple[str, ...]]) -> list[Segment]:
    segments: list[Segment] = []
    for i, actions in enumerate(shots):
        for action in actions:
            start = len(segments) * _ACTION_S
            segments.append(Segment(round(start, 3), round(start + _ACTION_S, 3), action, i))
    return segments


def _shot(
    actions: tuple[str, ...], seed: int, size: tuple[int, int], subset: Subset
) -> Iterator[npt.NDArray[np.uint8]]:
    setting = draw_setting(seed, subset, size)
    frames = round(len(actions) * _ACTION_S * _FPS)
    shot = Shot(plan(setting, partial(_performance, actions), frames, _FPS), seed, subset)
    for start in range(0, frames, _FPS):
        yield from shot.render(np.arange(start, min(start + _FPS, frames)))[0]


def _performance(actions: tuple[str, ...], t: Array, duration: float, style: Style) -> Pose:
    """One action after the other; the pose glides from each to the next, and nobody walks back."""
    poses = [pose_curves(action, t - i * _ACTION_S, _ACTION_S, style) for i, action in enumerate(actions)]
    steps = [np.clip((t - i * _ACTION_S) / _BLEND_S + 0.5, 0, 1) for i in range(1, len(actions))]
    shares = [np.ones_like(t), *(x * x * (3 - 2 * x) for x in steps), np.zeros_like(t)]
    weights = [now - after for now, after in pairwise(shares)]
    blend = {
        f.name: sum(
            weight.reshape(-1, *[1] * (getattr(pose, f.name).ndim - 1)) * getattr(pose, f.name)
            for pose, weight in zip(poses, weights, strict=True)
        )
        for f in fields(Pose)
        if f.name != "travel"
    }
    per_second = [pose_curves(action, np.array([0.0, 1.0]), _ACTION_S, style).travel for action in actions]
    walked = sum((speed[1] - speed[0]) * np.clip(t - i * _ACTION_S, 0, _ACTION_S) for i, speed in enumerate(per_second))
    return Pose(**blend, travel=np.asarray(walked))
