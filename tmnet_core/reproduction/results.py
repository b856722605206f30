"""What came of a plan: the scores of its lines, how its comparisons went, and what its claims amount to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from tmnet_core.training.run_folder import RunFolder

Standing = Literal["borne out here", "not borne out", "not tested"]


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
    """A comparison, and the difference it found; None where a side of it was not run."""

    comparison: Comparison
    difference: PairedDifference | None


@dataclass(frozen=True)
class ClaimResult:
    """A claim and its comparisons."""

    claim: Claim
    comparisons: Sequence[ComparisonResult]

    @property
    def standing(self) -> Standing:
        """What the comparisons that could be made say: a claim is borne out where all of them bear it out."""
        made = [result.difference for result in self.comparisons if result.difference is not None]
        if not made:
            return "not tested"
        every = all(difference.verdict(self.claim.margin / 100) == "higher" for difference in made)
        return "borne out here" if every else "not borne out"


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
        return [ComparisonResult(pair, _difference(pair.higher, pair.lower, by_key)) for pair in comparisons]

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


def _difference(left: Side, right: Side, by_key: dict[str, LineResult]) -> PairedDifference | None:
    sides = []
    for key, branch in (left, right):
        scores = by_key[key].scores
        if not scores or branch not in scores[0].hits:
            return None
        sides.append([np.asarray(score.hits[branch]) for score in scores])
    return compare_paired(*sides)
