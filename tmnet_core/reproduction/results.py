"""What came of a plan: the scores of its lines, how its comparisons went, and what its claims amount to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from tmnet_core.errors import TMNetError
from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.plan import Claim, Comparison, Line, Plan, Side, identity, with_seed
from tmnet_core.reproduction.running import Outcome
from tmnet_core.reproduction.scoring import Score, score_run
from tmnet_core.reproduction.statistics import PairedDifference, Spread, compare_paired
from tmnet_core.training.metrics import Shares
from tmnet_core.training.run_folder import RunFolder

Standing = Literal["borne out here", "not borne out", "undecided", "not tested"]


@dataclass(frozen=True)
class LineResult:
    """A line and what its runs scored, one a seed; none where it was not run, and `not_run` says why."""

    line: Line
    scores: Sequence[Score]
    runs: Sequence[RunFolder]
    not_run: str = ""

    @property
    def branches(self) -> list[Branch]:
        """The branches that answered."""
        return [Branch(name) for name in self.scores[0].metrics] if self.scores else []

    def spread(self, branch: Branch, metric: str) -> Spread:
        """Return a metric over seeds, in percent."""
        return Spread.of([100 * score.metrics[branch][metric] for score in self.scores])


@dataclass(frozen=True)
class ComparisonResult:
    """A comparison, and the difference it found; None where a side was not run, or no clip was read in all runs.

    Attributes:
        left_out: clips that could be read for some of the runs that are compared, but not for all.
    """

    comparison: Comparison
    difference: PairedDifference | None
    left_out: int = 0


@dataclass(frozen=True)
class ClaimResult:
    """A claim and its comparisons."""

    claim: Claim
    comparisons: Sequence[ComparisonResult]

    @property
    def standing(self) -> Standing:
        """What the comparisons that could be made say: all bear the claim out, some speak against it, or neither."""
        made = [result.difference for result in self.comparisons if result.difference is not None]
        if not made:
            return "not tested"
        verdicts = {difference.verdict(self.claim.margin / 100) for difference in made}
        if "lower" in verdicts:
            return "not borne out"
        return "undecided" if "undecided" in verdicts else "borne out here"


@dataclass(frozen=True)
class Results:
    """A plan with what came of its lines, claims and other comparisons."""

    plan: Plan
    lines: Sequence[LineResult]
    claims: Sequence[ClaimResult]
    comparisons: Sequence[ComparisonResult] = ()


def gather(
    plan: Plan,
    seeds: Sequence[int],
    outcome: Outcome,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Results:
    """Score the runs that there are and compare what the plan's claims compare."""
    lines = []
    for number, line in enumerate(plan.lines):
        lines.append(_score_line(line, seeds, outcome, device))
        progress(number + 1, len(plan.lines))
    by_key = {result.line.key: result for result in lines}

    def compare(comparisons: Sequence[Comparison]) -> list[ComparisonResult]:
        return [compare_lines(pair, by_key) for pair in comparisons]

    claims = [ClaimResult(claim, compare(claim.comparisons)) for claim in plan.claims]
    return Results(plan, lines, claims, compare(plan.comparisons))


def _score_line(line: Line, seeds: Sequence[int], outcome: Outcome, device: torch.device) -> LineResult:
    if line.recipe is None:
        return LineResult(line, [], [], line.not_run)
    names = [identity(with_seed(line.recipe, seed)) for seed in seeds]
    runs = [outcome.runs[name] for name in names if name in outcome.runs]
    # Of some seeds alone, differences would compare other runs on either side.
    if len(runs) < len(names):
        return LineResult(line, [], [], next(outcome.reasons[name] for name in names if name in outcome.reasons))
    try:
        return LineResult(line, [score_run(run, line.look, device) for run in runs], runs)
    except TMNetError as error:
        return LineResult(line, [], [], str(error))


def compare_lines(pair: Comparison, by_key: Mapping[str, LineResult]) -> ComparisonResult:
    """Compare two sides on the clips that every run of either could read; lines are given by key."""
    if not (_answers(pair.higher, by_key) and _answers(pair.lower, by_key)):
        return ComparisonResult(pair, None)
    scores = [score for key, _ in (pair.higher, pair.lower) for score in by_key[key].scores]
    every = [set(score.videos) for score in scores]
    shared = set.intersection(*every)
    left_out = len(set.union(*every) - shared)
    if not shared:
        return ComparisonResult(pair, None, left_out)
    videos = sorted(shared)
    left, right = (_shares(side, by_key, videos) for side in (pair.higher, pair.lower))
    source = dict(zip(scores[0].videos, scores[0].sources, strict=True))
    return ComparisonResult(pair, compare_paired(left, right, [source[video] for video in videos]), left_out)


def _answers(side: Side, by_key: Mapping[str, LineResult]) -> bool:
    key, branch = side
    scores = by_key[key].scores
    return bool(scores) and branch in scores[0].hits


def _shares(side: Side, by_key: Mapping[str, LineResult], videos: Sequence[str]) -> list[Shares]:
    """Return, one array a seed, the share of right glances at these videos in this order."""
    key, branch = side
    by_video = [dict(zip(score.videos, score.hits[branch], strict=True)) for score in by_key[key].scores]
    return [np.asarray([of[video] for video in videos]) for of in by_video]
