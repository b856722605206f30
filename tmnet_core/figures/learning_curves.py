"""How runs learned, as a picture: accuracy of one glance by branch, losses, and the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tmnet_core.errors import DataError
from tmnet_core.figures.style import BRANCH_COLOURS, INK, LINE_STYLES, dress, new_figure
from tmnet_core.models.branch import Branch
from tmnet_core.training.events import Event, Started, Stepped, Validated

Series = dict[int, float]


@dataclass
class LearningCurves:
    """A run's figures by iteration: losses, learning rate, and top-1 in percent by branch."""

    classification_loss: Series = field(default_factory=dict)
    regression_loss: Series = field(default_factory=dict)
    learning_rate: Series = field(default_factory=dict)
    top1: dict[Branch, Series] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[Event]) -> LearningCurves:
        """Collect a run's events; what a resumed run took again counts in its later form."""
        curves = cls()
        for event in events:
            match event:
                case Started():
                    curves._forget_after(event.iteration)
                case Stepped():
                    curves.classification_loss[event.iteration] = event.classification_loss
                    curves.learning_rate[event.iteration] = event.learning_rate
                    if event.regression_loss is not None:
                        curves.regression_loss[event.iteration] = event.regression_loss
                case Validated():
                    for branch, values in event.metrics.items():
                        curves.top1.setdefault(Branch(branch), {})[event.iteration] = 100 * values["top1"]
        return curves

    def _forget_after(self, iteration: int) -> None:
        for series in (self.classification_loss, self.regression_loss, self.learning_rate, *self.top1.values()):
            for later in [step for step in series if step > iteration]:
                del series[later]


def draw_learning_curves(runs: Mapping[str, LearningCurves]) -> Figure:
    """Draw runs, by name, over each other: a line style a run, a colour a branch.

    Raises:
        DataError: where none of them has taken a step yet.
    """
    if not any(curves.classification_loss or curves.top1 for curves in runs.values()):
        raise DataError(f"runs {', '.join(runs)}: none has taken a step yet, there is nothing to draw")
    figure = new_figure(8.0, 8.0)
    accuracy, losses, rate = figure.subplots(3, 1, sharex=True, height_ratios=(5, 4, 2))
    for number, curves in enumerate(runs.values()):
        style = LINE_STYLES[number % len(LINE_STYLES)]
        for branch, series in curves.top1.items():
            marker = "o" if len(series) < 40 else ""
            _plot(accuracy, series, BRANCH_COLOURS[branch], style, marker=marker)
        _plot(losses, curves.classification_loss, BRANCH_COLOURS[Branch.CB], style)
        _plot(losses, curves.regression_loss, BRANCH_COLOURS[Branch.RB], style)
        _plot(rate, curves.learning_rate, INK, style)
    dress(accuracy, title="One glance, validation clips", y="top-1, %")
    dress(losses, title="Losses", y="loss")
    dress(rate, title="Learning rate", x="iteration", y="rate")
    losses.set_yscale("log")
    _explain(accuracy, {str(branch): colour for branch, colour in BRANCH_COLOURS.items()}, "lower right")
    _explain(losses, {"CB, cross-entropy": BRANCH_COLOURS[Branch.CB], "RB, regression": BRANCH_COLOURS[Branch.RB]})
    if len(runs) > 1:
        lines = [
            Line2D([], [], color=INK, linestyle=LINE_STYLES[i % len(LINE_STYLES)], label=name)
            for i, name in enumerate(runs)
        ]
        figure.legend(handles=lines, loc="outside upper center", fontsize=8, frameon=False, ncols=min(4, len(runs)))
    else:
        figure.suptitle(next(iter(runs)), fontsize=11, color=INK)
    return figure


def _plot(axes: Axes, series: Series, colour: str, style: str, marker: str = "") -> None:
    steps = sorted(series)
    axes.plot(steps, [series[step] for step in steps], style, color=colour, linewidth=1.4, marker=marker, markersize=3)


def _explain(axes: Axes, colours: Mapping[str, str], place: Literal["best", "lower right"] = "best") -> None:
    lines = [Line2D([], [], color=colour, label=name) for name, colour in colours.items()]
    axes.legend(handles=lines, loc=place, fontsize=8, frameon=False)
