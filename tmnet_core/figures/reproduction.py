"""The paper's figures and tables as pictures of our results: in its form, in the house colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from tmnet_core.figures.style import BRANCH_COLOURS, INK, dress, new_figure
from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.cost import Cost
from tmnet_core.reproduction.results import LineResult, Results
from tmnet_core.training.evaluation_report import METRIC_TITLES

# Points² of a bubble at the most expensive network of a figure.
_LARGEST_BUBBLE = 900.0
_SHIFT = {Branch.RB: 0.22, Branch.CB: 0.0, Branch.FUSED: -0.22}


@dataclass(frozen=True)
class _Bubble:
    """A point of a figure with what is written beside it; the radius is in points."""

    label: str
    place: tuple[float, float]
    radius: float


def draw_lines(results: Results) -> Figure:
    """Draw acc@1 of every line and branch with its spread over seeds, the paper's figures as hollow marks."""
    run = [line for line in results.lines if line.scores]
    figure = new_figure(8.0, 1.6 + 0.42 * len(run))
    axes = figure.add_subplot()
    for place, result in enumerate(reversed(run)):
        for branch in result.branches:
            spread = result.spread(branch, "top1")
            height, colour = place + _SHIFT[branch], BRANCH_COLOURS[branch]
            axes.errorbar(spread.mean, height, xerr=spread.deviation, fmt="o", color=colour, markersize=5, capsize=2)
            published = result.line.paper.get(branch, {}).get("top1")
            if published is not None:
                axes.plot(published, height, "D", color=colour, markerfacecolor="white", markersize=5)
    axes.set_yticks(range(len(run)), [result.line.key for result in reversed(run)])
    dress(axes, title=results.plan.title, x="acc@1, %")
    _explain(figure, run, with_paper=any(result.line.paper for result in run))
    return figure


def draw_alpha(results: Results) -> Figure:
    """Draw mAP and acc@1 against the weight of the regression loss, as Figure 5 does."""
    figure = new_figure(8.0, 3.6)
    run = [line for line in results.lines if line.scores and line.line.value is not None]
    for axes, metric in zip(figure.subplots(1, 2), ("map", "top1"), strict=True):
        for branch in run[0].branches if run else []:
            spreads = [line.spread(branch, metric) for line in run]
            axes.errorbar(
                [line.line.value for line in run],
                [spread.mean for spread in spreads],
                yerr=[spread.deviation or 0.0 for spread in spreads],
                fmt="o-",
                color=BRANCH_COLOURS[branch],
                markersize=4,
                linewidth=1.4,
                capsize=2,
            )
        dress(axes, title=METRIC_TITLES[metric], x="alpha", y="%")
    _explain(figure, run)
    return figure


def draw_tradeoff(results: Results, costs: Mapping[str, Cost]) -> Figure:
    """Draw acc@1 against inputs a second; a bubble's area is its multiply-adds, as in Figures 3 and 4."""
    figure = new_figure(7.0, 4.6)
    axes = figure.add_subplot()
    run = [line for line in results.lines if line.scores and line.line.key in costs]
    dearest = max((costs[line.line.key].multiply_adds for line in run), default=1)
    bubbles: list[_Bubble] = []
    for result in run:
        cost, branch = costs[result.line.key], result.branches[-1]
        top1 = result.spread(branch, "top1").mean
        area = max(20.0, _LARGEST_BUBBLE * cost.multiply_adds / dearest)
        speed = cost.inputs_per_second
        axes.scatter(speed, top1, s=area, color=BRANCH_COLOURS[branch], alpha=0.75, edgecolors="white")
        label = f"{result.line.label}\n{cost.multiply_adds / 1e9:.2f} G"
        bubbles.append(_Bubble(label, (speed, top1), area**0.5 / 2))
    axes.margins(0.2)
    dress(axes, title=results.plan.title, x="inputs a second on this machine", y="acc@1, %")
    _explain(figure, run, answers_only=True)
    _label_apart(figure, axes, bubbles)
    return figure


def _label_apart(figure: Figure, axes: Axes, bubbles: Sequence[_Bubble]) -> None:
    """Write each label beside its bubble, on the first side where neither a label nor another bubble is."""
    figure.draw_without_rendering()  # which settles where the bubbles are
    pixels = figure.dpi / 72
    round_it = [
        Bbox.from_bounds(x - bubble.radius * pixels, y - bubble.radius * pixels, *(2 * bubble.radius * pixels,) * 2)
        for bubble in bubbles
        for x, y in [axes.transData.transform(bubble.place)]
    ]
    labels: list[Bbox] = []
    for bubble, own in zip(bubbles, round_it, strict=True):
        taken = [*labels, *(other for other in round_it if other is not own)]
        written = None
        for right, above in ((True, True), (True, False), (False, True), (False, False)):
            if written is not None:
                written.remove()
            away = 0.7 * bubble.radius + 3
            written = axes.annotate(
                bubble.label,
                bubble.place,
                (away if right else -away, away if above else -away),
                textcoords="offset points",
                fontsize=8,
                color=INK,
                ha="left" if right else "right",
                va="bottom" if above else "top",
            )
            box = written.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        labels.append(box)


def _explain(
    figure: Figure, run: Sequence[LineResult], *, with_paper: bool = False, answers_only: bool = False
) -> None:
    """Say above the axes which colour is which branch, of those that occur."""
    shown = {branch for result in run for branch in (result.branches[-1:] if answers_only else result.branches)}
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=str(branch))
        for branch, colour in BRANCH_COLOURS.items()
        if branch in shown
    ]
    if with_paper:
        handles.append(
            Line2D([], [], marker="D", linestyle="", color=INK, markerfacecolor="white", label="the paper, its data")
        )
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=8, frameon=False)
