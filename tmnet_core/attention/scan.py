"""What a whole file shows, from a glance at every n-th frame: classes over time, segments, and where to look.

`scanning` makes scans, `scan_cache` keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch

_SMOOTHED = 0.6
_SHORTEST = 0.6


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file with one answer.

    Attributes:
        start, end: seconds; a segment ends where the next one begins.
        index: the class.
        probability: its mean over the segment, as the answer gives it.
        best, worst: numbers of the frames within it that are the surest and the least sure of the class.
    """

    start: float
    end: float
    index: int
    probability: float
    best: int
    worst: int


@dataclass(frozen=True, eq=False)
class Scan:
    """What was seen in every n-th frame of a file.

    Attributes:
        classes: K names.
        duration: seconds of the whole file.
        frames: N numbers of the frames that were looked at, ascending.
        times: N, their seconds.
        probabilities: by branch, N×K.
        complete: whether it reaches to the end of the file.
    """

    classes: tuple[str, ...]
    duration: float
    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    probabilities: Mapping[Branch, FloatArray]
    complete: bool

    @property
    def answer(self) -> FloatArray:
        """The N×K probabilities to believe: the fusion where both branches answer, else those of the one there is."""
        if not self.probabilities:
            return np.zeros((0, len(self.classes)), np.float32)
        return self.probabilities.get(Branch.FUSED, next(iter(self.probabilities.values())))

    def top(self, count: int) -> list[int]:
        """Return the classes that lead for the longest, and then those that come nearest to it."""
        leads = np.bincount(self.answer.argmax(axis=1), minlength=len(self.classes))
        order = sorted(range(len(self.classes)), key=lambda k: (-leads[k], -float(self.answer[:, k].mean())))
        return order[:count]

    def at(self, seconds: float) -> int:
        """Return the place, in 0 to N - 1, of the frame that was looked at nearest to a moment."""
        return int(np.abs(self.times - seconds).argmin())

    def thirds(self) -> list[tuple[str, float, float]]:
        """Return the beginning, middle and ending, the paper's places for key frames, each with start and end."""
        third = self.duration / 3
        return [(name, n * third, (n + 1) * third) for n, name in enumerate(("beginning", "middle", "ending"))]

    def segments(self, shortest: float = _SHORTEST) -> list[Segment]:
        """Return parts with one answer each, none shorter than so many seconds unless the file is.

        Answers are averaged over some tenths of a second first, so that one odd frame makes no segment.
        """
        smooth = _averaged(self.answer, self.times)
        runs = _runs(smooth.argmax(axis=1))
        while len(runs) > 1:
            lengths = [self._span(*run) for run in runs]
            place = int(np.argmin(lengths))
            if lengths[place] >= shortest:
                break
            runs = _give_away(runs, place, smooth)
        return [self._segment(first, last, index) for first, last, index in runs]

    @property
    def best(self) -> int:
        """The number of the frame that is the surest of its segment's class: the one to glance at; not of no frames."""
        return self._extreme(lambda segment: segment.best, most=True)

    @property
    def worst(self) -> int:
        """The number of the frame that is the least sure of its segment's class."""
        return self._extreme(lambda segment: segment.worst, most=False)

    def to_json(self) -> str:
        """Return the segments and the answer of every frame that was looked at, as JSON."""
        answer = self.answer
        seen = [
            {
                "frame": int(frame),
                "time": round(float(seconds), 4),
                "name": self.classes[int(values.argmax())],
                "probability": round(float(values.max()), 4),
            }
            for frame, seconds, values in zip(self.frames, self.times, answer, strict=True)
        ]
        segments = [{**asdict(one), "name": self.classes[one.index]} for one in self.segments()]
        whole = {"duration": self.duration, "complete": self.complete, "segments": segments, "frames": seen}
        return json.dumps(whole, ensure_ascii=False, indent=2)

    def _extreme(self, frame_of: Callable[[Segment], int], *, most: bool) -> int:
        places = {int(frame): place for place, frame in enumerate(self.frames)}
        found = [(float(self.answer[places[frame_of(one)], one.index]), frame_of(one)) for one in self.segments()]
        return max(found)[1] if most else min(found)[1]

    def _segment(self, first: int, last: int, index: int) -> Segment:
        inside = self.answer[first : last + 1, index]
        return Segment(
            start=self._border(first),
            end=self._border(last + 1),
            index=index,
            probability=float(inside.mean()),
            best=int(self.frames[first + int(inside.argmax())]),
            worst=int(self.frames[first + int(inside.argmin())]),
        )

    def _span(self, first: int, last: int, index: int) -> float:
        return self._border(last + 1) - self._border(first)

    def _border(self, place: int) -> float:
        """When a segment begins whose first frame has this place: halfway from the frame before."""
        if place == 0:
            return 0.0
        if place == len(self.times):
            return self.duration if self.complete else float(self.times[-1])
        return float(self.times[place - 1] + self.times[place]) / 2


def _averaged(probabilities: FloatArray, times: npt.NDArray[np.float64]) -> FloatArray:
    """The mean of each moment's neighbours within some tenths of a second."""
    start = np.searchsorted(times, times - _SMOOTHED / 2)
    end = np.searchsorted(times, times + _SMOOTHED / 2, side="right")
    sums = np.concatenate([np.zeros((1, probabilities.shape[1])), probabilities.cumsum(axis=0, dtype=np.float64)])
    return np.asarray((sums[end] - sums[start]) / (end - start)[:, None], np.float32)


_Run = tuple[int, int, int]


def _runs(answers: npt.NDArray[np.int64]) -> list[_Run]:
    """First and last place and class of each run of one class."""
    if not len(answers):
        return []
    borders = [0, *(np.flatnonzero(np.diff(answers)) + 1).tolist(), len(answers)]
    return [(first, end - 1, int(answers[first])) for first, end in pairwise(borders)]


def _give_away(runs: Sequence[_Run], place: int, probabilities: FloatArray) -> list[_Run]:
    """Give a run to the neighbour whose class it finds the more probable, and join what is alike then."""
    first, last, _ = runs[place]
    neighbours = [runs[n][2] for n in (place - 1, place + 1) if 0 <= n < len(runs)]
    taker = max(neighbours, key=lambda index: float(probabilities[first : last + 1, index].mean()))
    joined: list[_Run] = []
    for begin, end, index in [*runs[:place], (first, last, taker), *runs[place + 1 :]]:
        if joined and joined[-1][2] == index:
            joined[-1] = joined[-1][0], end, index
        else:
            joined.append((begin, end, index))
    return joined
