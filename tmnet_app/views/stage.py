"""The pictures and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import Moment
from tmnet_app.preferences import PANES, PaneName
from tmnet_app.views.arrangement import Arrangement, arrange
from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.details import Details
from tmnet_app.views.input_view import InputView
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.pane import Pane
from tmnet_app.views.picture_view import FrameScaler
from tmnet_app.views.probability_bars import EN_DASH
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import AttentionMaps, MapName, ShownMap
from tmnet_core.models.branch import Branch

_TIPS = {
    Branch.RB: "The regression branch: from this one frame it tells what the whole clip would say",
    Branch.CB: "The classification branch: it judges the frame as it is",
    Branch.FUSED: "Both branches together: the mean of their maps, or the difference, as you choose",
}
_ROLES = {Branch.RB: "guesses the clip", Branch.CB: "sees the frame"}
_THIRD = {"sum": ("RB+CB", "both together"), "difference": ("RB \u2212 CB", "who looks where")}
_NO_NETWORK = "No network yet"
_MAPS: tuple[MapName, ...] = ("rb", "cb", "both")


class Stage(QWidget):
    """Lays out panes and details by hand: a layout of Qt's cannot make pictures as large as they can be."""

    painted = Signal(float)  # when the painted frame was captured

    def __init__(self, network_choices: Sequence[QWidget] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        scaler = FrameScaler()
        self.link = LinkedView(self)
        self.input = InputView(scaler, self.link)
        self.attention: dict[MapName, AttentionView] = {name: AttentionView(scaler, self.link) for name in _MAPS}
        self.panes: dict[PaneName, Pane] = {
            "input": Pane(self.input, "Input", "", parent=self),
            "rb": _attention_pane(self.attention["rb"], Branch.RB, self),
            "cb": _attention_pane(self.attention["cb"], Branch.CB, self),
            "both": _attention_pane(self.attention["both"], Branch.FUSED, self),
        }
        for name, pane in self.panes.items():
            pane.view.painted.connect(self.painted)
            pane.title.double_clicked.connect(partial(self.toggle_alone, name))
        self.panes["input"].title.setToolTip(
            "The frame as it is; the network sees what is not dimmed. Double click: this picture alone."
        )
        self.details = Details(network_choices, self)
        self._classes: Sequence[str] = ()
        self._aspect = 4 / 3
        self._wants_details = True
        self._shown: tuple[PaneName, ...] = PANES
        self._alone: PaneName | None = None
        self._settings = AttentionSettings()
        self._maps = AttentionMaps()
        self.shown_maps: dict[MapName, ShownMap] = {}

    def minimumSizeHint(self) -> QSize:
        """Two small pictures."""
        return QSize(480, 240)

    def show_loading(self, words: str) -> None:
        """Say that the first network is on its way; nothing with an empty text."""
        if not self._classes:
            self.details.hint.show_loading(words)
            for pane in self._attention_panes():
                pane.view.say(words or _NO_NETWORK)

    def set_model(self, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Begin with another network."""
        self._classes = classes
        self._maps.clear()
        self.details.show_model(True)
        self.details.bars.set_classes(classes, branches)
        for pane in self._attention_panes():
            missing = pane.branch not in branches
            pane.view.say(f"This checkpoint has no {pane.branch}." if missing else "")
            pane.title.show_answer(EN_DASH if missing else "", "", 0.0, still=True)

    def begin_source(self) -> None:
        """Forget what was seen before: another source follows."""
        self.details.graphs.clear()
        self.details.bars.clear()
        self._maps.clear()
        self.link.reset()

    def set_panes(self, shown: Iterable[PaneName]) -> None:
        """Show these panes."""
        self._shown = tuple(name for name in PANES if name in set(shown))
        if self._alone not in self._shown:
            self._alone = None
        self.arrange()

    def set_attention(self, settings: AttentionSettings, *, visible: bool) -> None:
        """Show the heat maps as the person wishes, or hide them."""
        self._settings = settings
        self.panes["both"].title.rename(*_THIRD[settings.third])
        for view in self.attention.values():
            view.set_look(settings, visible=visible)

    def toggle_alone(self, name: PaneName) -> None:
        """Let one picture fill the place of all and of the details, or go back."""
        self.show_alone(None if self._alone == name else name)

    def show_alone(self, name: PaneName | None) -> None:
        """Let one picture fill the place of all and of the details; None goes back."""
        self._alone = name
        self.arrange()

    @property
    def alone(self) -> PaneName | None:
        """The picture that fills the place, None while there are several."""
        return self._alone

    @property
    def pane_under_pointer(self) -> PaneName:
        """The pane that the pointer is on, else the first."""
        return next((name for name in self._shown if self.panes[name].underMouse()), self._shown[0])

    def set_details(self, visible: bool) -> None:
        """Show bars and graphs, where there is room."""
        self._wants_details = visible
        self.arrange()

    def enlarge(self, scale: float) -> None:
        """Set the titles in larger text."""
        for pane in self.panes.values():
            pane.title.enlarge(scale)
        self.arrange()

    def show_moment(self, moment: Moment, now: float) -> None:
        """Show frame, attention and answers."""
        width, height = moment.placement.frame_size
        self._set_aspect(width / height)
        bars, glance = self.details.bars, moment.glance
        self.shown_maps = {}
        if glance is not None:
            bars.show_probabilities(moment.probabilities, glance.answer, now, still=moment.still)
            self.shown_maps = self._maps.choose(
                glance,
                moment.probabilities,
                self._settings,
                leader=bars.order[0],
                pinned=bars.pinned,
                still=moment.still,
            )
        self.panes["input"].view.show_frame(moment.frame, moment.placement)
        for name in _MAPS:
            self._show_attention(name, moment, now)

    def show_size(self, text: str) -> None:
        """Say what the source gives, over the input."""
        self.panes["input"].title.show_answer(text, "", 0.0, still=True)

    def snapshot(self) -> QImage:
        """Return the panes as a picture."""
        area = QRect()
        for name in self._visible:
            area = area.united(self.panes[name].geometry())
        ratio = self.devicePixelRatioF()
        image = QImage(area.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self.palette().color(QPalette.ColorRole.Window))
        painter = QPainter(image)
        for name in self._visible:
            pane = self.panes[name]
            painter.drawPixmap(pane.pos() - area.topLeft(), pane.grab())
        painter.end()
        return image

    def arrange(self) -> None:
        """Place everything anew."""
        if not self.width() or not self.height():
            return
        title = self.panes["input"].title.height()
        visible, details = self._visible, self._wants_details and self._alone is None
        plan: Arrangement = arrange(self.width(), self.height(), self._aspect, len(visible), title, details=details)
        for name, pane in self.panes.items():
            pane.setVisible(name in visible)
        for name, place in zip(visible, plan.panes, strict=True):
            self.panes[name].setGeometry(place)
        self.details.setVisible(plan.details is not None)
        if plan.details is not None:
            self.details.setGeometry(plan.details)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the pictures as large as they can be."""
        super().resizeEvent(event)
        self.arrange()

    @property
    def _visible(self) -> tuple[PaneName, ...]:
        return self._shown if self._alone is None else (self._alone,)

    def _attention_panes(self) -> tuple[Pane, ...]:
        return tuple(self.panes[name] for name in _MAPS)

    def _set_aspect(self, aspect: float) -> None:
        if aspect != self._aspect:
            self._aspect = aspect
            self.arrange()

    def _show_attention(self, name: MapName, moment: Moment, now: float) -> None:
        shown, pane = self.shown_maps.get(name), self.panes[name]
        self.attention[name].show_attention(moment.frame, moment.placement, shown, now, still=moment.still)
        if shown is not None and pane.branch is not None:
            value = "" if shown.difference else f"{moment.probabilities[pane.branch][shown.index]:.2f}"
            pane.title.show_answer(self._classes[shown.index], value, now, still=moment.still)


def _attention_pane(view: AttentionView, branch: Branch, parent: QWidget) -> Pane:
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
