"""What several runs and many clips allow to say: means, spreads, differences with intervals, and verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tmnet_core.training.metrics import Shares, bootstrap_interval

Verdict = Literal["higher", "lower", "undecided"]
_RESAMPLES = 10_000

# Of fewer runs, resampled, nothing can be said about how training scatters.
ENOUGH_SEEDS = 5


@dataclass(frozen=True)
class Spread:
    """The mean over seeds and their standard deviation, which one seed does not have."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return mean and sample standard deviation of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class PairedDifference:
    """How much higher one side scored than another on the same clips, as shares, with its 95 % interval.

    Attributes:
        seeds: how many pairs of runs it is the mean of.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def is_of_one_run(self) -> bool:
        """Whether no clip is answered otherwise, as where both sides are the same run."""
        return self.low == self.high == 0.0

    def verdict(self, margin: float = 0.0) -> Verdict:
        """Say whether the interval allows to call it higher than -margin, a share, or lower, or neither."""
        if self.low > -margin:
            return "higher"
        return "lower" if self.high < -margin else "undecided"


def compare_paired(left: Sequence[Shares], right: Sequence[Shares], *, seed: int = 0) -> PairedDifference:
    """Return left - right, the mean over seeds and clips.

    The interval is a bootstrap over clips, which both sides share; of `ENOUGH_SEEDS` seeds and more it is one over
    seeds too, so that the chance of training is in it.

    Args:
        left, right: one array a seed of the share of right glances by clip, in the same order.
    """
    differences = np.stack([a - b for a, b in zip(left, right, strict=True)])
    if len(differences) < ENOUGH_SEEDS:
        low, high = bootstrap_interval(differences.mean(0), seed=seed)
    else:
        low, high = np.percentile(_resampled_means(differences, np.random.default_rng(seed)), [2.5, 97.5])
    return PairedDifference(float(differences.mean()), float(low), float(high), len(differences))


def _resampled_means(differences: Shares, rng: np.random.Generator) -> Shares:
    """Return means of S×N differences with seeds and clips drawn anew."""
    seeds, clips = differences.shape
    means = np.empty(_RESAMPLES)
    for number in range(_RESAMPLES):
        of_clips = differences[rng.integers(seeds, size=seeds)].mean(0)
        means[number] = of_clips[rng.integers(clips, size=clips)].mean()
    return means
