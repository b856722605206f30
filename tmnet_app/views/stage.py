"""The pictures and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import Moment
from tmnet_app.preferences import PANES, PaneName
from tmnet_app.views.arrangement import Arrangement, arrange
from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.details import Details
from tmnet_app.views.pane import Pane
from tmnet_app.views.picture_view import FrameScaler, PictureView
from tmnet_app.views.probability_bars import EN_DASH
from tmnet_core.models.branch import Branch

_ROLES = {
    Branch.RB: (
        "guesses the clip",
        "The regression branch: from this one frame it tells what the whole clip would say",
    ),
    Branch.CB: ("sees the frame", "The classification branch: it judges the frame as it is"),
}
_NO_NETWORK = "No network yet"


class Stage(QWidget):
    """Lays out panes and details by hand: a layout of Qt's cannot make pictures as large as they can be."""

    painted = Signal(float)  # when the painted frame was captured

    def __init__(self, network_choices: Sequence[QWidget] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        scaler = FrameScaler()
        self.panes: dict[PaneName, Pane] = {
            "input": Pane(PictureView(scaler), "Input", "", parent=self),
            "rb": _attention_pane(scaler, Branch.RB, self),
            "cb": _attention_pane(scaler, Branch.CB, self),
        }
        for pane in self.panes.values():
            pane.view.painted.connect(self.painted)
        self.panes["input"].title.setToolTip("The frame as it is; the network sees what is not dimmed")
        self.details = Details(network_choices, self)
        self._classes: Sequence[str] = ()
        self._aspect = 4 / 3
        self._wants_details = True
        self._shown: tuple[PaneName, ...] = PANES

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
        self.details.show_model(True)
        self.details.bars.set_classes(classes, branches)
        for pane in self._attention_panes():
            missing = pane.branch not in branches
            pane.view.say(f"This checkpoint has no {pane.branch}." if missing else "")
            pane.title.show_answer(EN_DASH if missing else "", "", 0.0, still=True)

    def set_panes(self, shown: Iterable[PaneName]) -> None:
        """Show these panes."""
        self._shown = tuple(name for name in PANES if name in set(shown))
        for name, pane in self.panes.items():
            pane.setVisible(name in self._shown)
        self.arrange()

    def set_attention(self, visible: bool, opacity: float) -> None:
        """Show or hide the heat maps."""
        for pane in self._attention_panes():
            if isinstance(pane.view, AttentionView):
                pane.view.set_opacity(opacity if visible else 0.0)

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
        self.panes["input"].view.show_frame(moment.frame, moment.placement)
        for pane in self._attention_panes():
            self._show_attention(pane, moment, now)
        if moment.glance is not None:
            self.details.bars.show_probabilities(moment.probabilities, moment.glance.answer, now, still=moment.still)

    def show_size(self, text: str) -> None:
        """Say what the source gives, over the input."""
        self.panes["input"].title.show_answer(text, "", 0.0, still=True)

    def snapshot(self) -> QImage:
        """Return the panes as a picture."""
        area = QRect()
        for name in self._shown:
            area = area.united(self.panes[name].geometry())
        ratio = self.devicePixelRatioF()
        image = QImage(area.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self.palette().color(QPalette.ColorRole.Window))
        painter = QPainter(image)
        for name in self._shown:
            pane = self.panes[name]
            painter.drawPixmap(pane.pos() - area.topLeft(), pane.grab())
        painter.end()
        return image

    def arrange(self) -> None:
        """Place everything anew."""
        if not self.width() or not self.height():
            return
        title = self.panes["input"].title.height()
        plan: Arrangement = arrange(
            self.width(), self.height(), self._aspect, len(self._shown), title, details=self._wants_details
        )
        for name, place in zip(self._shown, plan.panes, strict=True):
            self.panes[name].setGeometry(place)
        self.details.setVisible(plan.details is not None)
        if plan.details is not None:
            self.details.setGeometry(plan.details)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the pictures as large as they can be."""
        super().resizeEvent(event)
        self.arrange()

    def _attention_panes(self) -> tuple[Pane, Pane]:
        return self.panes["rb"], self.panes["cb"]

    def _set_aspect(self, aspect: float) -> None:
        if aspect != self._aspect:
            self._aspect = aspect
            self.arrange()

    def _show_attention(self, pane: Pane, moment: Moment, now: float) -> None:
        view, branch = pane.view, pane.branch
        if branch is None or not isinstance(view, AttentionView):
            return
        glance = moment.glance
        if glance is None or branch not in glance.maps:
            view.show_attention(moment.frame, moment.placement, None)
            return
        probabilities = moment.probabilities[branch]
        pinned = self.details.bars.pinned
        index = pinned if pinned >= 0 else int(probabilities.argmax())
        view.show_attention(moment.frame, moment.placement, glance.maps[branch][index])
        pane.title.show_answer(self._classes[index], f"{probabilities[index]:.2f}", now, still=moment.still)


def _attention_pane(scaler: FrameScaler, branch: Branch, parent: QWidget) -> Pane:
    role, tip = _ROLES[branch]
    pane = Pane(AttentionView(scaler), branch.value, role, branch, parent)
    pane.title.setToolTip(f"{tip}. The heat shows where it looks for its answer, or for the class that is pinned.")
    pane.view.say(_NO_NETWORK)
    return pane
