"""How much of each branch's map lies where things move."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID
from tmnet_app.views.figure_table import FigureTable
from tmnet_app.views.history_graph import HistoryGraph, Stroke
from tmnet_core.attention.agreement import STREAM_DISTANCE, Agreement, MapAgreement
from tmnet_core.attention.motion import MotionState
from tmnet_core.models.branch import Branch

_ROWS = {
    "Agreement": "Share of the map inside what moves, less the same map's share inside what moves elsewhere: "
    "0 for a map that knows nothing of this motion",
    "Inside": "Share of the map that lies inside what moves now; mostly large because people are filmed in the middle",
    "Active area": "Share of the picture where the map is nearer to its greatest than to its least value",
}
_LOW, _HIGH = -0.2, (0.2, 0.4, 0.7, 1.0)
_COLUMNS = ("RB", "CB", "Centre")
_WORDS = {
    MotionState.STILL: "No motion: nothing moves by itself, so there is nothing to agree with.",
    MotionState.CUT: "A cut: this frame cannot be compared with the one before.",
    MotionState.UNKNOWN: "No frame before this one to tell motion from.",
}


class MotionPanel(QWidget):
    """Shows one agreement after the other, and the last seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Motion agreement")
        self.table = FigureTable("Motion agreement", _COLUMNS, _ROWS)
        self.table.heads["Centre"].setToolTip("A fixed spot in the middle of the picture, which has seen nothing")
        self.graph = HistoryGraph(
            "Agreement over the last 20 seconds",
            {
                "RB": Stroke(BRANCH_COLOURS[Branch.RB]),
                "CB": Stroke(BRANCH_COLOURS[Branch.CB]),
                "Centre": Stroke(None, Qt.PenStyle.DotLine),
            },
            _LOW,
            _HIGH[0],
        )
        self.graph.setToolTip("Agreement over the last 20 seconds: RB orange, CB blue, the centre dotted")
        self.words = QLabel("Play something to see what moves.")
        self.words.setWordWrap(True)
        self.words.setProperty("muted", True)
        self.words.setMinimumHeight(2 * self.words.fontMetrics().height())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.table)
        layout.addWidget(self.graph, 1)
        layout.addWidget(self.words)

    def show_agreement(self, agreement: Agreement, now: float, *, write: bool) -> None:
        """Add a point to the curves; `write` says that numbers and words may change as well."""
        found = _by_column(agreement)
        self.graph.add(now, {name: _number(one.agreement) for name, one in found.items()})
        if write:
            # In steps, so that the axis does not breathe.
            self.graph.set_limits(_LOW, next((step for step in _HIGH if self.graph.greatest <= step), _HIGH[-1]))
            for column in _COLUMNS:
                one = found.get(column)
                self.table.write("Agreement", column, _signed(one.agreement) if one else "")
                self.table.write("Inside", column, f"{one.inside:.2f}" if one else "")
                self.table.write("Active area", column, f"{100 * one.active:.0f} %" if one else "")
            self.words.setText(describe(agreement))

    def clear(self) -> None:
        """Forget the past."""
        self.table.clear()
        self.graph.clear()


def describe(agreement: Agreement) -> str:
    """Say what the numbers are compared with, or why there are none."""
    if agreement.state in _WORDS:
        return _WORDS[agreement.state]
    if agreement.others is None:
        return f"Watching what moves: a comparison needs motion of more than {STREAM_DISTANCE:.0f} s ago."
    return f"Against {agreement.others}. {100 * agreement.moving:.0f} % of the picture moves."


def _by_column(agreement: Agreement) -> dict[str, MapAgreement]:
    if agreement.state is not MotionState.MOVING:
        return {}
    found = {str(branch): one for branch, one in agreement.branches.items()}
    return found if agreement.centre is None else found | {"Centre": agreement.centre}


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+z.2f}".replace("-", "\u2212")
