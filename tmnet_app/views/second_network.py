"""The second network of a comparison: its pictures below the first one's, its bars below the input."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from tmnet_app.live_session import Moment
from tmnet_app.preferences import PaneName
from tmnet_app.theme import GRID, tabular
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.network_views import NetworkViews
from tmnet_app.views.picture_view import FrameScaler
from tmnet_app.views.probability_bars import ProbabilityBars
from tmnet_app.views.status_line import ElidedLabel
from tmnet_core.models.branch import Branch


class SecondNetwork:
    """Owns the widgets of the second row of pictures.

    Attributes:
        title: which network it is.
    """

    def __init__(self, scaler: FrameScaler, link: LinkedView, parent: QWidget) -> None:
        self._card = QFrame(parent)
        self._card.setProperty("card", True)
        bars = ProbabilityBars()
        self._title = ElidedLabel()
        self._title.setProperty("muted", True)
        self._title.setFont(tabular(self._title.font(), bold=True))
        layout = QVBoxLayout(self._card)
        layout.setContentsMargins(12, GRID, 12, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._title)
        layout.addWidget(bars, 1)
        self.views = NetworkViews(scaler, link, bars, parent)
        self.title = ""

    def begin(self, title: str, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Begin with a network."""
        self.title = title
        self._title.set_full_text(f"Second: {title}")
        self.views.set_model(classes, branches)

    def show(self, moment: Moment, now: float, *, like: str | None) -> None:
        """Show what it said of the same frame."""
        self.views.show(moment, moment.second, moment.second_readout, now, like=like)

    def place(self, names: Sequence[PaneName], places: Sequence[QRect]) -> None:
        """Lay out below these panes of the first network; no places: hide."""
        self._card.setVisible(bool(places))
        by_name = dict(zip(names, places, strict=False))
        for name, pane in self.views.panes.items():
            pane.setVisible(name in by_name)
            if name in by_name:
                pane.setGeometry(by_name[name])
        if "input" in by_name:
            self._card.setGeometry(by_name["input"])

    def dispose(self) -> None:
        """Take the widgets away."""
        for widget in (self._card, *self.views.panes.values()):
            widget.hide()
            widget.deleteLater()
