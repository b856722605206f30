"""How the project's figures look. They are drawn without pyplot, so that no window and no global state is involved."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tmnet_core.attention.colours import BRANCH_RGB
from tmnet_core.files import replacing

BRANCH_COLOURS = {branch: "#{:02X}{:02X}{:02X}".format(*rgb) for branch, rgb in BRANCH_RGB.items()}
INK = "#333333"
GRID = "#DDDDDD"
LINE_STYLES: tuple[Literal["-", "--", ":", "-."], ...] = ("-", "--", ":", "-.")
_DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, whose parts find their own room."""
    return Figure(figsize=(width, height), layout="constrained")


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes their words, a light grid, and no box."""
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(INK)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the form that the name's ending says (.png, .svg, .pdf; PNG where it says none)."""
    form = path.suffix.lstrip(".").lower()
    with replacing(path) as temporary:
        figure.savefig(temporary, format=form if form in {"svg", "pdf"} else "png", dpi=_DOTS_PER_INCH)
