"""The curves of one run or of several: losses, learning rate, and what RB, CB and RB+CB reach in validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QPalette, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID, readable, tabular
from tmnet_app.training.thinning import Floats, thin
from tmnet_core.models.branch import Branch
from tmnet_core.training.record import RunRecord

# Of runs that are compared; apart from the branches' colours, which mean something else.
RUN_COLOURS = ("#CC79A7", "#0072B2", "#D55E00", "#B8A200", "#7F7F7F", "#8C6BB1", "#3D9970", "#A0522D")
_STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
_MANY_POINTS = 300
_BEYOND = 1.02  # of the whole run, to the right end of every plot
_SOME_ITERATIONS = 100  # of an empty plot, before it is known how many there will be
_TITLES = {
    "loss": ("Loss", "The whole loss, and CB's cross-entropy in it, by iteration"),
    "validation": ("Validation, top-1 in %", "How often the answer to a single frame of a validation clip is right"),
    "regression": ("Regression loss", "How far RB's feature is from CB's, before alpha"),
    "rate": ("Learning rate", "Of all but the new classifier, by iteration"),
}


@dataclass(frozen=True)
class Line:
    """One curve: where it is drawn, its legend, and how."""

    plot: str
    name: str
    x: Floats
    y: Floats
    colour: QColor
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    dots: bool = False


class Curves(QWidget):
    """Four plots, two by two; pyqtgraph is loaded with the first run that is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Curves")
        self._records: dict[str, RunRecord] = {}
        self._plots: dict[str, Any] = {}
        self._legends: dict[str, QLabel] = {}
        self._items: dict[tuple[str, str], Any] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setHorizontalSpacing(2 * GRID)

    def show_records(self, records: Mapping[str, RunRecord]) -> None:
        """Draw the runs of these names; one run alone with all its branches."""
        self._records = dict(records)
        self.redraw()

    def redraw(self) -> None:
        """Draw what the records say now."""
        if not self._plots:
            # At once and whole: painted one by one they would leave traces of where they were first.
            self.setUpdatesEnabled(False)
            self._build()
            self.setUpdatesEnabled(True)
        lines = self._lines()
        wanted = {(line.plot, line.name) for line in lines}
        for key in [key for key in self._items if key not in wanted]:
            self._plots[key[0]].removeItem(self._items.pop(key))
        for line in lines:
            self._draw(line)
        last = max((max(record.iterations, record.iteration) for record in self._records.values()), default=0)
        for plot in self._plots.values():
            # A little more, or the last point would be cut in two.
            plot.setXRange(0, _BEYOND * (last or _SOME_ITERATIONS), padding=0)
        for plot, legend in self._legends.items():
            legend.setText(_legend([line for line in lines if line.plot == plot]))

    def _draw(self, line: Line) -> None:
        key = (line.plot, line.name)
        if key not in self._items:
            self._items[key] = self._plots[line.plot].plot([], [])
        item = self._items[key]
        x, y = thin(line.x, line.y)
        # Qt draws lines of one pixel many times faster; among so many points nobody sees the difference.
        pen = QPen(line.colour, 1.75 if len(x) < _MANY_POINTS else 1.0, line.style)
        pen.setCosmetic(True)
        item.setPen(pen)
        if line.dots:
            item.setSymbol("o")
            item.setSymbolSize(5)
            item.setSymbolBrush(line.colour)
            item.setSymbolPen(None)
        item.setData(x, y, connect="finite")

    def _lines(self) -> list[Line]:
        if len(self._records) == 1:
            return _lines_of_one(next(iter(self._records.values())), self.palette())
        lines: list[Line] = []
        for number, (name, record) in enumerate(self._records.items()):
            colour = run_colour(number, self.palette())
            lines += _lines_of_several(name, record, colour, _STYLES[number // len(RUN_COLOURS) % len(_STYLES)])
        return lines

    def _build(self) -> None:
        import pyqtgraph

        pyqtgraph.setConfigOptions(useOpenGL=False, antialias=True)
        for number, (plot, (title, tip)) in enumerate(_TITLES.items()):
            widget = pyqtgraph.PlotWidget(background=(0, 0, 0, 0))
            _make_calm(widget, title, tip)
            if plot == "validation":
                # A range of its own makes no fuss about one point.
                widget.setYRange(0, 100, padding=0)
            else:
                widget.setLimits(yMin=0.0)  # none of these values can lie below it
            heading, legend = QLabel(title), QLabel()
            heading.setFont(tabular(self.font(), bold=True))
            heading.setToolTip(tip)
            legend.setTextFormat(Qt.TextFormat.RichText)
            legend.setAlignment(Qt.AlignmentFlag.AlignRight)
            row, column = 2 * (number // 2), 2 * (number % 2)
            self._grid.addWidget(heading, row, column)
            self._grid.addWidget(legend, row, column + 1)
            self._grid.addWidget(widget, row + 1, column, 1, 2)
            self._grid.setRowStretch(row + 1, 1)
            self._grid.setColumnStretch(column + 1, 1)
            self._plots[plot] = widget
            self._legends[plot] = legend
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._plots:
            self._tint()
            self.redraw()

    def _tint(self) -> None:
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        for plot in self._plots.values():
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setTextPen(muted)
                axis.setPen(self.palette().color(QPalette.ColorRole.Mid))
                axis.setTickFont(tabular(self.font(), scale=0.8))


def run_colour(number: int, palette: QPalette) -> QColor:
    """Return the colour of the run of this number in a comparison."""
    background = palette.color(QPalette.ColorRole.Window)
    return readable(QColor(RUN_COLOURS[number % len(RUN_COLOURS)]), background)


def _lines_of_one(record: RunRecord, palette: QPalette) -> list[Line]:
    window = palette.color(QPalette.ColorRole.Window)
    rb, cb = (readable(BRANCH_COLOURS[branch], window) for branch in (Branch.RB, Branch.CB))
    text = palette.color(QPalette.ColorRole.Text)
    lines = [
        Line("loss", "whole", *record.curve("loss"), text),
        Line("loss", "CB", *record.curve("classification_loss"), cb, Qt.PenStyle.DashLine),
        Line("regression", "RB", *record.curve("regression_loss"), rb),
        Line("rate", "", *record.curve("learning_rate"), text),
    ]
    for branch in Branch:
        iterations, values = record.validation_curve(str(branch))
        if iterations:
            colour = readable(BRANCH_COLOURS[branch], window)
            lines.append(Line("validation", str(branch), *_percent(iterations, values), colour, dots=True))
    return lines


def _lines_of_several(name: str, record: RunRecord, colour: QColor, style: Qt.PenStyle) -> list[Line]:
    lines = [
        Line("loss", name, *record.curve("loss"), colour, style),
        Line("regression", name, *record.curve("regression_loss"), colour, style),
        Line("rate", name, *record.curve("learning_rate"), colour, style),
    ]
    if record.branches:
        points = _percent(*record.validation_curve(record.branches[-1]))
        lines.append(Line("validation", name, *points, colour, style, dots=True))
    return lines


def _percent(iterations: list[int], values: list[float]) -> tuple[Floats, Floats]:
    return np.asarray(iterations, float), 100 * np.asarray(values, float)


def _legend(lines: list[Line]) -> str:
    named = [line for line in lines if line.name]
    return "&nbsp;&nbsp; ".join(
        f'<span style="color:{line.colour.name()}">{"┄" if line.style != Qt.PenStyle.SolidLine else "━"}</span> '
        + line.name.replace("&", "&amp;").replace("<", "&lt;")
        for line in named
    )


def _make_calm(plot: Any, name: str, tip: str) -> None:
    plot.setAccessibleName(name)
    plot.setToolTip(tip)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.setMinimumSize(16 * GRID, 10 * GRID)
    plot.setStyleSheet("background: transparent; border: 0")
    # Room for the halves of the outermost ticks' numbers.
    plot.getPlotItem().layout.setContentsMargins(0, GRID, 3 * GRID, 0)
    plot.getAxis("left").setWidth(6 * GRID)
    plot.getAxis("bottom").setHeight(3 * GRID)
    for side in ("left", "bottom"):
        plot.getAxis(side).setStyle(tickLength=-4, maxTickLevel=0)
        plot.getAxis(side).enableAutoSIPrefix(False)
    plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)
