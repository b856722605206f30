"""What one network shows: its maps over the frame, and its bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import Moment
from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.pane import Pane
from tmnet_app.views.picture_view import FrameScaler
from tmnet_app.views.probability_bars import EN_DASH, ProbabilityBars
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import AttentionMaps, MapName, ShownMap
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.live.readout import Readout
from tmnet_core.models.branch import Branch

MAPS: dict[MapName, Branch] = {"rb": Branch.RB, "cb": Branch.CB, "both": Branch.FUSED}
_TIPS = {
    Branch.RB: "The regression branch: from this one frame it tells what the whole clip would say",
    Branch.CB: "The classification branch: it judges the frame as it is",
    Branch.FUSED: "Both branches together: the mean of their maps, or the difference, as you choose",
}
_ROLES = {Branch.RB: "guesses the clip", Branch.CB: "sees the frame"}
_THIRD = {"sum": ("RB+CB", "both together"), "difference": ("RB \u2212 CB", "who looks where")}
_NO_NETWORK = "No network yet"


class NetworkViews:
    """Three panes and the bars of one network; whoever lays them out owns the widgets.

    Attributes:
        shown: the maps that are on the screen.
    """

    def __init__(self, scaler: FrameScaler, link: LinkedView, bars: ProbabilityBars, parent: QWidget) -> None:
        self.bars = bars
        self.classes: Sequence[str] = ()
        self._network: tuple[tuple[str, ...], tuple[Branch, ...]] = (), ()
        self.shown: dict[MapName, ShownMap] = {}
        self.views = {name: AttentionView(scaler, link) for name in MAPS}
        self.panes = {name: _pane(self.views[name], branch, parent) for name, branch in MAPS.items()}
        self._settings = AttentionSettings()
        self._maps = AttentionMaps()

    @property
    def shown_by_branch(self) -> dict[Branch, ShownMap]:
        """The maps of RB and CB that are on the screen."""
        return {MAPS[name]: shown for name, shown in self.shown.items() if name != "both"}

    def set_model(self, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Begin with another network; of one that was only trained on, the bars go on from where they are."""
        before, self._network = self._network, (tuple(classes), tuple(branches))
        another = before != self._network
        self.classes = classes
        self._maps.clear()
        if another:
            self.bars.set_classes(classes, branches)
        for pane in self.panes.values():
            missing = pane.branch not in branches
            pane.view.say(f"This checkpoint has no {pane.branch}." if missing else "")
            if another:
                pane.title.show_answer(EN_DASH if missing else "", "", 0.0, still=True)

    def say(self, words: str) -> None:
        """Put words over all pictures while there is no network."""
        for pane in self.panes.values():
            pane.view.say(words or _NO_NETWORK)

    def set_look(self, settings: AttentionSettings, *, visible: bool) -> None:
        """Show the heat maps as the person wishes, or hide them."""
        self._settings = settings
        self.panes["both"].title.rename(*_THIRD[settings.third])
        for view in self.views.values():
            view.set_look(settings, visible=visible)

    def clear(self) -> None:
        """Forget what was seen: another source follows."""
        self.bars.clear()
        self._maps.clear()

    def show(
        self,
        moment: Moment,
        glance: Glance | None,
        readout: Readout | None,
        now: float,
        *,
        like: str | None = None,
    ) -> None:
        """Show what this network said of a moment's frame.

        Args:
            moment: what the window shows.
            glance: what this network said, None without one.
            readout: what is to be read of that, None without one.
            now: seconds of a monotonic clock.
            like: the class that another network shows, so that both can be compared where this one knows it too.
        """
        self.shown = {}
        probabilities: Mapping[Branch, FloatArray] = {}
        if glance is not None and readout is not None:
            probabilities = readout.probabilities
            self.bars.show_readout(readout, glance.answer, now, still=moment.still)
            common = self.classes.index(like) if like in self.classes else -1
            self.shown = self._maps.choose(
                glance,
                probabilities,
                self._settings,
                leader=common if common >= 0 else readout.order[0],
                pinned=self.bars.pinned,
                still=moment.still,
            )
        placement = moment.placement if glance is None else glance.placement
        for name, pane in self.panes.items():
            shown = self.shown.get(name)
            self.views[name].show_attention(moment.frame, placement, shown, now, still=moment.still)
            if shown is not None and pane.branch is not None:
                value = "" if shown.difference else f"{probabilities[pane.branch][shown.index]:.2f}"
                pane.title.show_answer(self.classes[shown.index], value, now, still=moment.still)


def _pane(view: AttentionView, branch: Branch, parent: QWidget) -> Pane:
    pane = Pane(view, branch.value, _ROLES.get(branch, ""), branch, parent)
    pane.title.setToolTip(
        f"{_TIPS[branch]}. The heat shows where the class named on the right comes from. "
        "Double click: this picture alone."
    )
    view.setToolTip(
        "Heat: how much each place adds to the class's logit; the numbers are the ends of the scale. "
        "Wheel: zoom. Drag: move. Double click: all of it."
    )
    view.say(_NO_NETWORK)
    return pane
