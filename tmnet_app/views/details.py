"""Answers and speed: side by side where the place is wide, one below the other where it is tall."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.views.engine_panel import EnginePanel
from tmnet_app.views.panels import Panels
from tmnet_app.views.probability_bars import ProbabilityBars
from tmnet_app.views.rate_graphs import RateGraphs


class Details(QWidget):
    """Holds the bars, or a hint in their place while there is no network, and the panels, of which one is seen."""

    def __init__(self, network_choices: Sequence[QWidget] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars = ProbabilityBars()
        self.graphs = RateGraphs()
        self.hint = Hint(network_choices)
        self._boxes = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._boxes.setContentsMargins(0, 0, 0, 0)
        self._boxes.setSpacing(GRID)
        self._boxes.addWidget(_section("What it sees", self.bars, self.hint), 4)
        self.panels = Panels()
        self.panels.add("speed", "Speed", "How fast frames are captured, looked at and shown", self.graphs)
        self.engine = EnginePanel()
        self.panels.add("engine", "Engine", "What computes, how long each step takes, and the memory held", self.engine)
        self._boxes.addWidget(self.panels, 3)
        self.show_model(False)

    def show_model(self, there: bool) -> None:
        """Show the bars, or the hint."""
        self.bars.setVisible(there)
        self.hint.setVisible(not there)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn with the shape of the place."""
        super().resizeEvent(event)
        wide = self.width() > 1.3 * self.height()
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._boxes.direction() != direction:
            self._boxes.setDirection(direction)


class Hint(QWidget):
    """Says that a network is missing and offers some, or that one is on its way."""

    def __init__(self, network_choices: Sequence[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self._choices = QWidget()
        choices = _column(self._choices)
        for choice in network_choices:
            choices.addWidget(choice)
        layout = _column(self)
        layout.addWidget(self.words)
        layout.addWidget(self._choices)
        layout.addStretch(1)
        self.show_loading("")

    def show_loading(self, words: str) -> None:
        """Say what is being loaded; nothing with an empty text."""
        self.words.setText(words or "A network is needed to see what is being done.")
        self._choices.setVisible(not words)


def _column(widget: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GRID)
    return layout


def _section(title: str, *contents: QWidget) -> QFrame:
    frame = QFrame()
    frame.setProperty("card", True)
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(12, GRID, 12, GRID)
    layout.setSpacing(GRID // 2)
    heading = QLabel(title)
    heading.setProperty("muted", True)
    heading.setFont(tabular(heading.font(), bold=True))
    layout.addWidget(heading)
    for widget in contents:
        layout.addWidget(widget, 1)
    return frame
