"""How fast it runs: three rates and the age of the frame on the screen, over the last seconds."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QLineF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.views.probability_bars import EN_DASH

_SECONDS = 20.0
_GAP = 1.0  # seconds without a point, such as in presentation mode, after which a curve is interrupted
_GRAPH_ROW = 4
_NARROW = 280
_TIPS = {
    "Capture": "Frames that the source hands out each second",
    "Glance": "Frames that the network looks at each second",
    "Display": "Different frames painted each second",
    "Frame age": "Milliseconds from a frame's capture until it is painted",
}
_STROKES = {
    "Capture": Qt.PenStyle.DotLine,
    "Glance": Qt.PenStyle.SolidLine,
    "Display": Qt.PenStyle.DashLine,
    "Frame age": Qt.PenStyle.SolidLine,
}


@dataclass(frozen=True)
class Rates:
    """Speeds at one moment; NaN where a value does not apply."""

    capture: float
    glance: float
    display: float
    age: float

    def by_name(self) -> dict[str, float]:
        """Return the values by their names on the screen; the age in milliseconds."""
        return {
            "Capture": self.capture,
            "Glance": self.glance,
            "Display": self.display,
            "Frame age": 1000 * self.age,
        }


_NOTHING = Rates(*(math.nan,) * 4)


class RateGraphs(QWidget):
    """Numbers and two graphs; pyqtgraph is loaded when the widget is first shown, not before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Speed")
        self._history: deque[tuple[float, Rates]] = deque()
        self._numbers: dict[str, QLabel] = {}
        self._plots: list[Any] = []
        self._curves: dict[str, Any] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(GRID // 2)
        self._grid.setHorizontalSpacing(GRID)
        self._captions = {name: _Caption(name) for name in _TIPS}
        for name in _TIPS:
            self._add_number(name)
        for column in range(4):
            self._grid.setColumnStretch(column, 1)
        self._grid.setRowStretch(_GRAPH_ROW, 1)
        self._narrow: bool | None = None
        self._place_numbers(narrow=False)

    def _add_number(self, name: str) -> None:
        number = QLabel(EN_DASH)
        number.setFont(tabular(self.font(), scale=1.15, bold=True))
        number.setAccessibleName(name)
        for label in (self._captions[name], number):
            label.setToolTip(_TIPS[name])
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._numbers[name] = number

    def _place_numbers(self, *, narrow: bool) -> None:
        """Put the numbers in one row, or in two where four would be cut."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for place, name in enumerate(_TIPS):
            row, column = (2 * (place // 2), 2 * (place % 2)) if narrow else (0, place)
            span = 2 if narrow else 1
            self._grid.addWidget(self._captions[name], row, column, 1, span)
            self._grid.addWidget(self._numbers[name], row + 1, column, 1, span)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room there is."""
        super().resizeEvent(event)
        self._place_numbers(narrow=self.width() < _NARROW)

    def build_graphs(self) -> None:
        """Load pyqtgraph and put the graphs below the numbers."""
        import pyqtgraph

        pyqtgraph.setConfigOptions(useOpenGL=False, antialias=True)
        for names, place in ((("Capture", "Display", "Glance"), 0), (("Frame age",), 2)):
            plot = pyqtgraph.PlotWidget(background=(0, 0, 0, 0))
            _make_calm(plot, "Rates over time" if place == 0 else "Frame age over time")
            self._grid.addWidget(plot, _GRAPH_ROW, place, 1, 2)
            self._plots.append(plot)
            for name in names:
                self._curves[name] = plot.plot([], [])
        self._tint()

    def show_rates(self, rates: Rates, now: float, *, write: bool) -> None:
        """Add one point to the graphs; `write` says that the numbers may change as well."""
        if self._history and now - self._history[-1][0] > _GAP:
            self._history.append((now, _NOTHING))
        self._history.append((now, rates))
        while self._history[0][0] < now - _SECONDS:
            self._history.popleft()
        if write:
            for name, value in rates.by_name().items():
                self._numbers[name].setText(_in_words(name, value))
        times = [time - now for time, _ in self._history]
        columns = [past.by_name() for _, past in self._history]
        for name, curve in self._curves.items():
            curve.setData(times, [column[name] for column in columns], connect="finite")
        for plot, names in zip(self._plots, (("Capture", "Display", "Glance"), ("Frame age",)), strict=False):
            values = [column[name] for column in columns for name in names if math.isfinite(column[name])]
            plot.setYRange(0, _ceiling(max(values, default=0.0)), padding=0)

    def clear(self) -> None:
        """Forget the past."""
        self._history.clear()
        for label in self._numbers.values():
            label.setText(EN_DASH)
        for curve in self._curves.values():
            curve.setData([], [])

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        for name, curve in self._curves.items():
            curve.setPen(_pen(name, self.palette()))
        for plot in self._plots:
            axis = plot.getAxis("left")
            axis.setTextPen(muted)
            axis.setPen(muted)
            axis.setTickFont(tabular(self.font(), scale=0.8))


class _Caption(QLabel):
    """A name over the stroke that its curve is drawn with."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.setProperty("muted", True)
        self.setContentsMargins(0, 0, 0, 5)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the name and the stroke."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(_pen(self.text(), self.palette()))
        painter.drawLine(QLineF(0, self.height() - 2.5, 28, self.height() - 2.5))
        painter.end()


def _pen(name: str, palette: QPalette) -> QPen:
    role = QPalette.ColorRole.Highlight if name == "Glance" else QPalette.ColorRole.Text
    pen = QPen(palette.color(role), 1.5, _STROKES[name])
    pen.setCosmetic(True)
    return pen


def _make_calm(plot: Any, name: str) -> None:
    """Take away what makes a plot jump or answer the mouse."""
    plot.setAccessibleName(name)
    plot.setMouseEnabled(x=False, y=False)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.hideAxis("bottom")
    plot.setXRange(-_SECONDS, 0, padding=0)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.setMinimumHeight(7 * GRID)
    plot.setStyleSheet("background: transparent; border: 0")
    plot.getPlotItem().setContentsMargins(0, GRID, 0, GRID)
    plot.setToolTip(f"{name}: the last {_SECONDS:.0f} seconds")
    plot.getAxis("left").setWidth(4 * GRID)
    plot.getAxis("left").setStyle(tickLength=0, maxTickLevel=0)


def _ceiling(value: float) -> float:
    """Round up to a step that holds for a while, so that the axis does not breathe."""
    for step in (10, 20, 40, 60, 80, 120, 200, 400, 600, 1000, 2000, 5000):
        if value * 1.05 <= step:
            return float(step)
    return value * 1.2


def _in_words(name: str, value: float) -> str:
    if not math.isfinite(value):
        return EN_DASH
    if name == "Frame age":
        return f"{value:.0f} ms"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
