"""Paint over a picture and see what both branches say then; check a map by its deletion and insertion curves."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID
from tmnet_app.views.change_bars import ChangeBars
from tmnet_app.views.history_graph import CurveGraph, Stroke
from tmnet_app.views.segments import Segment, Segments
from tmnet_core.attention.probe import REMOVALS, MapCheck
from tmnet_core.models.branch import Branch

_TIPS = {
    "erase": "What is painted over becomes the colour that is nothing to the network",
    "blur": "What is painted over goes out of focus",
    "mean": "What is painted over becomes the mean colour of the rest of the frame",
}
HINT = "Paint over a picture to take that part away; the right button brings it back."


class ProbePanel(QWidget):
    """Controls and results of probing."""

    how_chosen = Signal(str)
    clear_asked = Signal()
    check_asked = Signal()
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Probe")
        choices = [Segment(how, text.split()[0], _TIPS[how]) for how, text in REMOVALS.items()]
        self.how = Segments("What is painted over becomes", choices, "erase")
        self.how.chosen.connect(self.how_chosen)
        self.clear_button = _button("Clear", "Take all paint away")
        self.clear_button.clicked.connect(self.clear_asked)
        self.check_button = _button("Check", "")
        self.check_button.setAccessibleName("Check the maps")
        self.check_button.clicked.connect(self._check_or_stop)
        self._checking = False
        self.bars = ChangeBars()
        self.graph = CurveGraph(
            "Deletion and insertion curves",
            {
                f"{branch} {what}": Stroke(BRANCH_COLOURS[branch], style)
                for branch in (Branch.RB, Branch.CB)
                for what, style in (("deletion", Qt.PenStyle.SolidLine), ("insertion", Qt.PenStyle.DashLine))
            },
            0.0,
            1.0,
        )
        self.graph.setToolTip(
            "Probability of the class while the map's warmest places are taken away first (solid: the lower, the "
            "better the map) or put first into a blurred frame (dashed: the higher, the better)"
        )
        self.graph.hide()
        self.words = QLabel(HINT)
        self.words.setWordWrap(True)
        self.words.setProperty("muted", True)
        self._lay_out()
        self.show_progress(None)

    def _lay_out(self) -> None:
        controls = QHBoxLayout()
        controls.setSpacing(GRID // 2)
        controls.addWidget(self.how, 1)
        controls.addWidget(self.clear_button)
        controls.addWidget(self.check_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(controls)
        layout.addWidget(self.bars, 1)
        layout.addWidget(self.graph, 1)
        layout.addWidget(self.words)

    def show_progress(self, share: float | None) -> None:
        """Say how far a check is, with the button to end it; None: there is none."""
        self._checking = share is not None
        self.check_button.setText("Check" if share is None else f"Stop ({100 * share:.0f} %)")
        self.check_button.setToolTip(
            "Deletion and insertion curves of both maps, for the class that they show and the frame of now"
            if share is None
            else "End the check"
        )

    def show_check(self, checks: Mapping[Branch, MapCheck], names: Mapping[Branch, str]) -> None:
        """Paint the curves of each branch's map, in its own probability of the class of that name."""
        curves = {}
        areas: dict[str, list[str]] = {"deletion": [], "insertion": []}
        for branch, check in checks.items():
            for what, curve in (("deletion", check.deletion), ("insertion", check.insertion)):
                values = curve.probabilities[branch]
                curves[f"{branch} {what}"] = list(zip(curve.shares.tolist(), values.tolist(), strict=True))
                areas[what].append(f"{branch} {curve.area(branch):.2f}")
        self.graph.show_curves(curves)
        self.graph.show()
        self.words.setText(
            f"Areas for {_in_words(names)}: "
            + " · ".join(f"{what} {', '.join(found)}" for what, found in areas.items())
        )

    def clear_check(self) -> None:
        """Take the curves away: they were of another frame."""
        self.graph.hide()

    def _check_or_stop(self) -> None:
        (self.stop_asked if self._checking else self.check_asked).emit()


def _in_words(names: Mapping[Branch, str]) -> str:
    """Return the class that all branches show, or each branch's own."""
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    return ", ".join(f"{name} ({branch})" for branch, name in names.items())


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(text)
    button.setToolTip(tip)
    button.setProperty("segment", True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
