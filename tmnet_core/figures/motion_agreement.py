"""Motion agreement by class as a picture: RB and CB with their intervals, and the difference between the two."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tmnet_core.attention.survey_report import CENTRE, Mean, MotionMeasure
from tmnet_core.figures.style import BRANCH_COLOURS, INK, dress, new_figure
from tmnet_core.models.branch import Branch

_CENTRE_COLOUR = "#999999"


def draw_agreement(measure: MotionMeasure, title: str) -> Figure:
    """Draw a row for each class, the one with the greatest agreement above, and one for all below."""
    rows = sorted(measure.classes, key=lambda row: max(one.mean for one in row.agreement.values()))
    rows = [measure.overall, *rows]
    figure = new_figure(9.0, 1.4 + 0.27 * len(rows))
    both = measure.overall.difference is not None
    panels = figure.subplots(1, 2 if both else 1, sharey=True, squeeze=False, width_ratios=[3, 2] if both else [1])[0]
    places = np.arange(len(rows), dtype=np.float64)
    branches = [branch for branch in (Branch.RB, Branch.CB) if str(branch) in measure.overall.agreement]
    for shift, branch in zip((0.16, -0.16), branches, strict=False):
        means = [row.agreement[str(branch)] for row in rows]
        _dots(panels[0], places + shift, means, BRANCH_COLOURS[branch], str(branch))
    centre = [row.agreement[CENTRE].mean for row in rows]
    panels[0].plot(centre, places, "|", color=_CENTRE_COLOUR, markersize=9, label="a fixed centre")
    panels[0].set_yticks(places, [f"{row.name} ({row.clips})" for row in rows], fontsize=8, color=INK)
    dress(panels[0], title=title, x="motion agreement")
    panels[0].legend(fontsize=8, frameon=False, loc="lower right")
    if both:
        differences = [row.difference for row in rows if row.difference is not None]
        _dots(panels[1], places, differences, INK, "RB − CB")
        dress(panels[1], title="RB − CB, paired by clip", x="difference")
    for axes in panels:
        axes.axvline(0.0, color=INK, linewidth=0.8)
        axes.axhline(0.5, color=INK, linewidth=0.5, linestyle=":")
    return figure


def _dots(axes: Axes, places: np.ndarray, means: list[Mean], colour: str, label: str) -> None:
    values = np.array([one.mean for one in means])
    ends = np.array([one.interval or (one.mean, one.mean) for one in means])
    spread = np.abs(ends.T - values)
    axes.errorbar(values, places, xerr=spread, fmt="o", color=colour, markersize=4, linewidth=1.2, label=label)
