"""Glance against clip: CB over the last T frames, from the features that single glances left behind.

Where CB is 2D (TMNet-2D and TSN), F_cls of a clip is the mean of its frames' features (paper III-B.2). So a clip costs
nothing beyond the glances at its frames, once their features are kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Self

import numpy as np

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import VARIANTS

_FRAMES = 8
_INTERVAL = 0.08
# Frames a second of the videos that a recipe's interval is counted in.
_RECIPE_FPS = 25.0
# An interval that is late by more than this share of itself is a gap: what was before belongs to no clip with it.
_LATEST = 12.0
_SMALLEST = np.float32(1e-30)


@dataclass(frozen=True, slots=True, eq=False)
class ClipAnswer:
    """What CB says about the last T frames, beside one glance at the newest.

    Attributes:
        frames: how many different frames stand for the T of the clip; fewer while the memory fills, or where glances
            come more slowly than the clip's interval.
        wanted: T.
        seconds: from the oldest of them to the newest.
        probabilities: CB over the clip, K values that sum to 1.
        maps: the mean of CB's maps over the clip, K×h×w.
        same_answer: whether its top class is that of the glance.
        cosine: of F_reg, which RB made from the newest frame, with F_cls of the clip; None without RB.
        frame_cosine: of the newest frame's own F_cls with that of the clip: what RB has to beat.
        distance: between F_reg and F_cls of the clip, over the length of the latter; None without RB.
        glance_ms: what the glance at the newest frame took in the network.
        clip_ms: what looking at all T frames would take without a memory, by what those here took.
    """

    frames: int
    wanted: int
    seconds: float
    probabilities: FloatArray
    maps: FloatArray
    same_answer: bool
    cosine: float | None
    frame_cosine: float
    distance: float | None
    glance_ms: float
    clip_ms: float

    def map_correlation(self, glance: Glance, index: int) -> float | None:
        """Return how RB's map of one frame goes with the mean of CB's maps over the clip, for one class, in [-1, 1].

        The paper: RB's map looks like the clip's maps laid over each other. None without RB, or for a flat map.
        """
        if Branch.RB not in glance.maps:
            return None
        return correlation(glance.maps[Branch.RB][index], self.maps[index])


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    time: float
    feature: FloatArray
    log_probabilities: FloatArray
    maps: FloatArray
    milliseconds: float


class ClipMemory:
    """Keeps what CB saw in the last frames and answers for them as one clip, sampled by time.

    Give it every glance of one stream, in order. It starts anew by itself after a jump in time; tell it of a cut with
    `clear`. For use by one thread at a time.

    Args:
        frames: T.
        interval: seconds between two frames of the clip.
    """

    def __init__(self, frames: int = _FRAMES, interval: float = _INTERVAL) -> None:
        self.frames = frames
        self.interval = interval
        self._moments: deque[_Moment] = deque()

    @classmethod
    def of(cls, header: CheckpointHeader) -> Self | None:
        """Return a memory for the clips that a network was trained on; None where its CB cannot be put together.

        The recipe's interval counts for frames at 25 a second. Of clips that were spread over whole videos no interval
        follows; then it is 8 frames at 0.08 s.
        """
        if not has_memory(header):
            return None
        clip = header.training.clip if header.training else None
        if clip is None or clip.sampling != "interval" or clip.frames == 1:
            return cls()
        return cls(clip.frames, clip.interval / _RECIPE_FPS)

    def add(self, glance: Glance) -> ClipAnswer | None:
        """Remember a glance and return what CB says about the clip that ends with it; None without CB's features.

        Another glance at the newest frame takes that one's place.
        """
        feature = glance.features.get(Branch.CB)
        if feature is None or Branch.CB not in glance.probabilities or Branch.CB not in glance.maps:
            return None
        now = glance.frame.time
        if self._moments and self._moments[-1].time == now:
            self._moments.pop()
        self._forget(now)
        self._moments.append(
            _Moment(
                now,
                feature,
                np.log(np.maximum(glance.probabilities[Branch.CB], _SMALLEST)),
                glance.maps[Branch.CB],
                glance.stages.get("network", 0.0),
            )
        )
        return self._answer(glance, self._sampled(now))

    def clear(self) -> None:
        """Start anew: another stream or another scene follows."""
        self._moments.clear()

    def copy(self) -> ClipMemory:
        """Return another one for another thread, which goes on from what this one has seen."""
        other = ClipMemory(self.frames, self.interval)
        other._moments.extend(self._moments)
        return other

    def _forget(self, now: float) -> None:
        if self._moments and not 0 < now - self._moments[-1].time <= _LATEST * self.interval:
            self._moments.clear()
        oldest = now - (self.frames - 0.5) * self.interval
        while self._moments and self._moments[0].time < oldest:
            self._moments.popleft()

    def _sampled(self, now: float) -> list[_Moment]:
        """Return T moments: for each of the clip's times the nearest one there is."""
        times = np.array([moment.time for moment in self._moments])
        wanted = now - self.interval * np.arange(self.frames)
        nearest = np.abs(times[None] - wanted[:, None]).argmin(axis=1)
        # Times before the first frame are no part of the clip yet.
        inside = wanted > times[0] - 0.5 * self.interval
        return [self._moments[place] for place in nearest[inside]]

    def _answer(self, glance: Glance, clip: list[_Moment]) -> ClipAnswer:
        different = {id(moment): moment for moment in clip}.values()
        feature = np.mean([moment.feature for moment in clip], axis=0)
        # The mean of logarithms of probabilities is that of logits but for a constant, which the softmax takes out.
        logits = np.mean([moment.log_probabilities for moment in clip], axis=0)
        probabilities = np.exp(logits - logits.max())
        regressed = glance.features.get(Branch.RB)
        length = float(np.linalg.norm(feature))
        return ClipAnswer(
            frames=len(different),
            wanted=self.frames,
            seconds=glance.frame.time - min(moment.time for moment in clip),
            probabilities=probabilities / probabilities.sum(),
            maps=np.mean([moment.maps for moment in clip], axis=0),
            same_answer=int(logits.argmax()) == int(glance.probabilities[glance.answer].argmax()),
            cosine=None if regressed is None else cosine(regressed, feature),
            frame_cosine=cosine(glance.features[Branch.CB], feature),
            distance=None if regressed is None or not length else float(np.linalg.norm(regressed - feature)) / length,
            glance_ms=glance.stages.get("network", 0.0),
            clip_ms=self.frames * float(np.mean([moment.milliseconds for moment in different])),
        )


def has_memory(header: CheckpointHeader) -> bool:
    """Whether this network's CB sees each frame of a clip for itself, so that its features can be kept."""
    row = VARIANTS[header.model.variant]
    return row.base == row.classification == "2D" and not row.shift and Branch.CB in row.glance


def cosine(first: FloatArray, second: FloatArray) -> float:
    """Return the cosine of the angle between two vectors; 0 where one has no length."""
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.vdot(first, second)) / length if length else 0.0


def correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Return Pearson's correlation of two maps of one size; None where one is flat."""
    one, other = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.vdot(one, other)) / length if length > 0 else None
