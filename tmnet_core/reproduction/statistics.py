"""What several runs and many clips allow to say: means, spreads, differences with intervals, and verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import mpmath
import numpy as np

from tmnet_core.training.metrics import Interval, Shares, bootstrap_interval, by_source

Verdict = Literal["higher", "lower", "undecided"]

# Of one run nothing can be said about how training scatters, so neither about a claim; of two little, and Student's
# interval says how little.
ENOUGH_SEEDS = 2

# Between these lies every difference of shares.
_ANYTHING = (-1.0, 1.0)


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
        low, high: -1 and 1 where all clips come from one source video, which allows no interval.
        seeds: how many pairs of runs it is the mean of.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def has_enough_seeds(self) -> bool:
        """Whether the chance of training is in the interval."""
        return self.seeds >= ENOUGH_SEEDS

    def verdict(self, margin: float = 0.0) -> Verdict:
        """Say whether seeds and interval allow to call it higher than -margin, a share, or lower, or neither."""
        return self.leaning(margin) if self.has_enough_seeds else "undecided"

    def leaning(self, margin: float = 0.0) -> Verdict:
        """Say the same by the interval alone, of these very runs."""
        if self.low > -margin:
            return "higher"
        return "lower" if self.high < -margin else "undecided"


def compare_paired(
    left: Sequence[Shares], right: Sequence[Shares], sources: Sequence[str] | None = None, *, seed: int = 0
) -> PairedDifference:
    """Return left - right, the mean over seeds and clips.

    Of one seed, the interval is a bootstrap over source videos, which both sides share. Of several it is Student's,
    with the variance over seeds and that over source videos added up, so that the chance of training is in it, too.

    Args:
        left, right: one array a seed of the share of right glances by clip, in the same order.
        sources: of each clip the source video it was cut from; None: each its own.
    """
    differences = np.stack([a - b for a, b in zip(left, right, strict=True)])
    if len(differences) < ENOUGH_SEEDS:
        interval = bootstrap_interval(differences.mean(0), sources, seed=seed)
    else:
        interval = _interval_of_seeds_and_sources(differences, sources)
    return PairedDifference(float(differences.mean()), *(interval or _ANYTHING), len(differences))


def _interval_of_seeds_and_sources(differences: Shares, sources: Sequence[str] | None) -> Interval | None:
    """Return the 95 % interval of the mean of S×N differences; None where there is one source."""
    mean = float(differences.mean())
    sums, _ = by_source(differences.mean(0) - mean, sources)
    seeds, groups = len(differences), len(sums)
    if groups < 2:
        return None
    of_seeds = float(differences.mean(1).var(ddof=1)) / seeds
    of_sources = groups / (groups - 1) * float((sums**2).sum()) / differences.shape[1] ** 2
    variance = of_seeds + of_sources
    if not variance:
        return mean, mean
    # Welch and Satterthwaite: how many degrees of freedom a sum of two estimated variances has.
    freedom = variance**2 / (of_seeds**2 / (seeds - 1) + of_sources**2 / (groups - 1))
    reach = student_95(freedom) * variance**0.5
    return mean - reach, mean + reach


def student_95(freedom: float) -> float:
    """Return t, between whose negative and itself Student's distribution has 95 %; of at least 1 degree of freedom."""

    def outside(t: mpmath.mpf) -> mpmath.mpf:
        return mpmath.betainc(freedom / 2, 0.5, 0, freedom / (freedom + t * t), regularized=True) - 0.05

    return float(mpmath.findroot(outside, (1.9, 13.0), solver="anderson"))
