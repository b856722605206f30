"""A confusion matrix as a picture: which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from tmnet_core.figures.style import INK, new_figure

# With more classes the numbers in the cells become too small to read.
_MOST_NUMBERED = 30


def draw_confusion(counts: npt.ArrayLike, classes: Sequence[str], title: str) -> Figure:
    """Draw K×K counts by true class (row) and answered class (column), as percent of each row."""
    table = np.asarray(counts, dtype=np.float64)
    rows = table.sum(1, keepdims=True)
    shares = 100 * np.divide(table, rows, out=np.zeros_like(table), where=rows > 0)
    side = max(4.0, 1.8 + 0.36 * len(classes)) if len(classes) <= _MOST_NUMBERED else 11.0
    figure = new_figure(side + 0.8, side)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    small = 8 if len(classes) <= _MOST_NUMBERED else max(3.0, 8 * _MOST_NUMBERED / len(classes))
    axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=small, color=INK)
    axes.set_yticks(range(len(classes)), classes, fontsize=small, color=INK)
    axes.set_xlabel("answered", fontsize=9, color=INK)
    axes.set_ylabel("true", fontsize=9, color=INK)
    axes.set_title(title, fontsize=10, color=INK, loc="left", wrap=True)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(classes) <= _MOST_NUMBERED:
        for row, column in zip(*np.nonzero(table), strict=True):
            share = shares[row, column]
            colour = "white" if share > 55 else INK
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
    bar.set_label("% of the true class", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, colors=INK)
    bar.outline.set_visible(False)
    return figure
