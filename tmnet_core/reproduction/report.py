"""A reproduction as files: a Markdown report with the paper's numbers beside ours, CSV, and figures."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tmnet_core.benchmarks.machine import Machine
from tmnet_core.config import Recipe, recipe_differences
from tmnet_core.files import replacing
from tmnet_core.reproduction.cost import Cost
from tmnet_core.reproduction.paper import CITATION
from tmnet_core.reproduction.results import ClaimResult, ComparisonResult, LineResult, Results
from tmnet_core.reproduction.statistics import ENOUGH_SEEDS, PairedDifference, Spread
from tmnet_core.training.evaluation_report import METRIC_TITLES
from tmnet_core.training.metrics import describe_resampling

# The paper prints these three.
PRINTED = ("top1", "top5", "map")

_ONLY_RB = (
    "The recipe keeps RB's loss in RB (`objective.reaches_base = false`), so CB is the same in all lines that change "
    "nothing but RB, and the same as that of a network trained without RB."
)


@dataclass(frozen=True)
class Made:
    """How a report was made.

    Attributes:
        recipe: what every run is a change of; `shipped` is the recipe it comes from itself.
        clips: how many clips were scored, from how many source videos.
    """

    command: str
    machine: Machine
    seeds: Sequence[int]
    recipe: Recipe
    shipped: Recipe
    clips: int
    sources: int


@dataclass(frozen=True)
class Picture:
    """A figure of the report, and what stands below it."""

    path: Path
    caption: str = ""


def write_report(
    path: Path, results: Sequence[Results], made: Made, costs: Mapping[str, Cost], pictures: Mapping[str, Picture]
) -> None:
    """Write the Markdown report; `costs` are by line key, `pictures` by plan name."""
    text = "\n".join(_header(made) + _claims(results))
    for result in results:
        text += "\n".join(_section(result, costs, pictures.get(result.plan.name), path.parent))
    with replacing(path) as temporary:
        temporary.write_text(text.rstrip() + "\n", encoding="utf-8")


def write_table(path: Path, results: Sequence[Results]) -> None:
    """Write every figure of every seed as CSV, in percent, the paper's beside it where it gives one."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["of", "line", "budget", "branch", "metric", "seed_number", "ours", "paper", "run", "not_run"])
        for result in results:
            for line in result.lines:
                writer.writerows([result.plan.name, *row] for row in _table_rows(line))


def _table_rows(result: LineResult) -> list[list[object]]:
    line = result.line
    if not result.scores:
        return [[line.label, line.budget, "", "", "", "", "", "", result.not_run]]
    return [
        [
            line.label,
            line.budget,
            str(branch),
            metric,
            number,
            100 * value,
            line.paper.get(branch, {}).get(metric, ""),
            run.path.name,
            "",
        ]
        for number, (score, run) in enumerate(zip(result.scores, result.runs, strict=True))
        for branch in result.branches
        for metric, value in score.metrics[branch].items()
    ]


def _header(made: Made) -> list[str]:
    changes = recipe_differences(made.shipped, made.recipe)
    if len(made.seeds) < ENOUGH_SEEDS:
        intervals = (
            f"{describe_resampling(made.clips, made.sources)} Of one seed they know nothing of the chance of training, "
            "so no claim is decided; --seeds 0,1,2 trains more."
        )
    else:
        intervals = (
            f"Intervals of 95 %: Student's, of the variance over the {len(made.seeds)} seeds and that over the "
            f"{made.sources} source videos that the {made.clips} clips come from, added up."
        )
    return [
        "# The paper's tables and figures, made here",
        "",
        f"    {made.command}",
        "",
        f"{made.machine}",
        "",
        f"The paper: {CITATION}. Its tables are of UCF101 (Table 5: HMDB51 too); ours are of the data named below, so "
        "the difference from the paper says how far the two are apart, not how good either is.",
        "",
        f"- Data: `{made.recipe.data.root.rpartition(os.sep)[2]}`, {made.clips} validation clips",
        f"- Network: {made.recipe.model.title}, start weights `{Path(made.recipe.start.weights).name}`",
        f"- Seeds: {', '.join(map(str, made.seeds))}",
        f"- Recipe: `{made.shipped.name}`" + (", with" if changes else ""),
        *(f"  - `{change}`" for change in changes if not change.startswith(("name", "data.root", "start.weights"))),
        "",
        "Each clip is scored over several key frames, each a glance of its own, by the last checkpoint of a run. "
        f"Differences are paired by clip. {intervals}",
        *([] if made.recipe.objective.reaches_base else ["", _ONLY_RB]),
        "",
    ]


def _claims(results: Sequence[Results]) -> list[str]:
    lines = ["## The paper's claims", ""]
    lines += [
        "- Borne out here: every comparison that could be made is on its side, with an interval that leaves no room "
        "for the opposite.",
        "- Not borne out: at least one speaks against it, with such an interval.",
        "- Undecided: none speaks against it, and at least one interval has room for both.",
        "- Not tested: no comparison could be made.",
        "",
        "Differences are in points of acc@1. Each interval is of 95 % by itself: of twenty comparisons of equals, one "
        "is expected to look different.",
        "",
    ]
    for result in results:
        for claim in result.claims:
            lines += [_paragraph(claim), "", *_evidence(claim)]
    return lines


def _paragraph(result: ClaimResult) -> str:
    claim = result.claim
    standing = result.standing
    at = f", at {claim.budget}" if claim.budget else ""
    parts = [f"**{standing[0].upper()}{standing[1:]}**{at}: “{claim.says}” ({claim.where}).", claim.about]
    made = [c for c in result.comparisons if c.difference is not None]
    if made:
        differences = [comparison.difference for comparison in made if comparison.difference is not None]
        counts = Counter(difference.leaning(claim.margin / 100) for difference in differences)
        of = "Of" if differences[0].has_enough_seeds else "With one run a side, by the clips alone, of"
        parts.append(
            f"{of} {len(made)} comparisons {counts['higher']} bear it out, {counts['lower']} speak against it, and "
            f"{counts['undecided']} allow no verdict."
        )
    missing = len(result.comparisons) - len(made)
    if missing:
        parts.append(
            f"{missing} comparison{'s' if missing > 1 else ''} could not be made: a side was not run, or no clip was "
            "read in all runs."
        )
    return " ".join(part for part in parts if part)


def _evidence(result: ClaimResult) -> list[str]:
    """Return a line for each comparison that could be made, with what it says of the claim."""
    words = {"higher": "for it", "lower": "against it", "undecided": "open"}
    margin = result.claim.margin / 100
    lines = [
        f"- {words[made.difference.leaning(margin)]}: {_sentence(made)}"
        for made in result.comparisons
        if made.difference is not None
    ]
    return [*lines, ""] if lines else []


def _sentence(result: ComparisonResult) -> str:
    (left, left_branch), (right, right_branch) = result.comparison.higher, result.comparison.lower
    assert result.difference is not None
    names = (
        (f"{left}: {left_branch}", f"{right_branch}")
        if left == right
        else (f"{left_branch} of {left}", f"{right_branch} of {right}")
    )
    without = f", {result.left_out} clips left out that not every run could read" if result.left_out else ""
    return f"{names[0]} − {names[1]} {_points(result.difference)}{without}"


def _points(difference: PairedDifference) -> str:
    return f"{100 * difference.mean:+.1f} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"


def _section(result: Results, costs: Mapping[str, Cost], picture: Picture | None, folder: Path) -> list[str]:
    plan = result.plan
    lines = ["", f"## {plan.title}", "", plan.about, ""]
    if picture is not None:
        lines += [f"![{plan.title}]({picture.path.relative_to(folder).as_posix()})", ""]
        lines += [picture.caption, ""] if picture.caption else []
    titles = ["", *(["runs of"] if any(line.line.budget for line in result.lines) else []), "branch"]
    with_paper = any(line.line.paper for line in result.lines)
    for metric in PRINTED:
        titles += [METRIC_TITLES[metric], *(["paper", "difference"] if with_paper else [])]
    titles.append(METRIC_TITLES["mean_class"])
    priced = any(line.line.key in costs for line in result.lines)
    titles += ["multiply-adds, 1e9", "inputs/s"] if priced else []
    numbers = len(titles) - titles.index("branch") - 1
    lines += [f"| {' | '.join(titles)} |", f"|{'---|' * (len(titles) - numbers)}{'---:|' * numbers}"]
    for line in result.lines:
        lines += [f"| {' | '.join(row)} |" for row in _rows(line, titles, with_paper, costs.get(line.line.key))]
    made = [c for c in result.comparisons if c.difference is not None]
    if priced:
        lines += ["", "Multiply-adds and speeds are of one input in one crop, one at a time, in torch."]
    return [*lines, "", *(f"- {_sentence(comparison)}" for comparison in made), ""]


def _rows(result: LineResult, titles: Sequence[str], with_paper: bool, cost: Cost | None) -> list[list[str]]:
    line = result.line
    first = [line.label, *([line.budget] if "runs of" in titles else [])]
    if not result.scores:
        row = [*first, f"not run: {result.not_run}"]
        return [row + [""] * (len(titles) - len(row))]
    rows = []
    for branch in result.branches:
        row = [*first, str(branch)]
        for metric in PRINTED:
            ours = result.spread(branch, metric)
            row.append(_spread(ours))
            if with_paper:
                row += _beside(ours, line.paper.get(branch, {}).get(metric))
        row.append(_spread(result.spread(branch, "mean_class")))
        if cost is not None:
            row += [f"{cost.multiply_adds / 1e9:.2f}", f"{cost.inputs_per_second:.1f}"]
        rows.append(row + [""] * (len(titles) - len(row)))
    return rows


def _beside(ours: Spread, paper: float | None) -> list[str]:
    return ["", ""] if paper is None else [f"{paper:.2f}", f"{ours.mean - paper:+.1f}"]


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.1f}" if spread.deviation is None else f"{spread.mean:.1f} ± {spread.deviation:.1f}"
