"""The pictures and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import Moment
from tmnet_app.preferences import PANES, PaneName
from tmnet_app.views.arrangement import Arrangement, arrange
from tmnet_app.views.details import Details
from tmnet_app.views.input_view import InputView
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.network_views import MAPS, NetworkViews
from tmnet_app.views.pane import Pane
from tmnet_app.views.picture_view import FrameScaler
from tmnet_app.views.second_network import SecondNetwork
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import MapName, ShownMap
from tmnet_core.models.branch import Branch


class Stage(QWidget):
    """Lays out panes and details by hand: a layout of Qt's cannot make pictures as large as they can be."""

    painted = Signal(float)  # when the painted frame was captured

    def __init__(self, network_choices: Sequence[QWidget] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scaler = FrameScaler()
        self.link = LinkedView(self)
        self.input = InputView(self._scaler, self.link)
        self.details = Details(network_choices, self)
        self.first = NetworkViews(self._scaler, self.link, self.details.bars, self)
        self.second: SecondNetwork | None = None
        self.panes: dict[PaneName, Pane] = {
            "input": Pane(self.input, "Input", "", parent=self),
            **{name: self.first.panes[name] for name in MAPS},
        }
        for name, pane in self.panes.items():
            pane.view.painted.connect(self.painted)
            pane.title.double_clicked.connect(partial(self.toggle_alone, name))
        self.panes["input"].title.setToolTip(
            "The frame as it is; the network sees what is not dimmed. Double click: this picture alone."
        )
        self._aspect = 4 / 3
        self._wants_details = True
        self._shown: tuple[PaneName, ...] = PANES
        self._alone: PaneName | None = None
        self._look = AttentionSettings(), True
        self._scale = 1.0

    def minimumSizeHint(self) -> QSize:
        """Two small pictures."""
        return QSize(480, 240)

    def show_loading(self, words: str) -> None:
        """Say that the first network is on its way; nothing with an empty text."""
        if not self.first.classes:
            self.details.hint.show_loading(words)
            self.first.say(words)

    def set_model(self, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Begin with another network."""
        self.details.show_model(True)
        self.first.set_model(classes, branches)

    def compare(self, title: str, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Show a second network below the first."""
        if self.second is None:
            self.second = SecondNetwork(self._scaler, self.link, self)
            self.second.views.set_look(self._look[0], visible=self._look[1])
        self.second.begin(title, classes, branches)
        self.enlarge(self._scale)

    def stop_comparing(self) -> None:
        """Show the first network alone."""
        if self.second is not None:
            self.second.dispose()
            self.second = None
            self.arrange()

    def begin_source(self) -> None:
        """Forget what was seen before: another source follows."""
        self.details.graphs.clear()
        self.first.clear()
        if self.second is not None:
            self.second.views.clear()
        self.link.reset()

    def set_panes(self, shown: Iterable[PaneName]) -> None:
        """Show these panes."""
        self._shown = tuple(name for name in PANES if name in set(shown))
        if self._alone not in self._shown:
            self._alone = None
        self.arrange()

    def set_attention(self, settings: AttentionSettings, *, visible: bool) -> None:
        """Show the heat maps as the person wishes, or hide them."""
        self._look = settings, visible
        self.first.set_look(settings, visible=visible)
        if self.second is not None:
            self.second.views.set_look(settings, visible=visible)

    def toggle_alone(self, name: PaneName) -> None:
        """Let one picture fill the place of all and of the details, or go back."""
        self.show_alone(None if self._alone == name else name)

    def show_alone(self, name: PaneName | None) -> None:
        """Let one picture fill the place of all and of the details; None goes back."""
        self._alone = name
        self.arrange()

    @property
    def classes(self) -> Sequence[str]:
        """Names of the network's classes as they are shown, empty without a network."""
        return self.first.classes

    @property
    def shown_maps(self) -> Mapping[MapName, ShownMap]:
        """The first network's maps that are on the screen."""
        return self.first.shown

    @property
    def visible_panes(self) -> tuple[PaneName, ...]:
        """The panes that are seen, in their order."""
        if self._alone is not None:
            return (self._alone,)
        # Below the input, and nowhere else, is room for what the second network says.
        return tuple(name for name in PANES if name in self._shown or (self.second and name == "input"))

    @property
    def alone(self) -> PaneName | None:
        """The picture that fills the place, None while there are several."""
        return self._alone

    @property
    def pane_under_pointer(self) -> PaneName:
        """The pane that the pointer is on, else the first."""
        visible = self.visible_panes
        return next((name for name in visible if self.panes[name].underMouse()), visible[0])

    def set_details(self, visible: bool) -> None:
        """Show bars and graphs, where there is room."""
        self._wants_details = visible
        self.arrange()

    def enlarge(self, scale: float) -> None:
        """Set the titles in larger text."""
        self._scale = scale
        below = () if self.second is None else self.second.views.panes.values()
        for pane in (*self.panes.values(), *below):
            pane.title.enlarge(scale)
        self.arrange()

    def show_moment(self, moment: Moment, now: float) -> None:
        """Show frame, attention and answers."""
        width, height = moment.placement.frame_size
        self._set_aspect(width / height)
        self.input.show_frame(moment.frame, moment.placement)
        self.first.show(moment, moment.glance, moment.readout, now)
        if self.second is not None:
            rb = self.first.shown.get("rb") or self.first.shown.get("cb")
            self.second.show(moment, now, like=None if rb is None else self.first.classes[rb.index])

    def show_size(self, text: str) -> None:
        """Say what the source gives, over the input."""
        self.panes["input"].title.show_answer(text, "", 0.0, still=True)

    def snapshot(self) -> QImage:
        """Return the panes as a picture."""
        area = QRect()
        for name in self.visible_panes:
            area = area.united(self.panes[name].geometry())
        ratio = self.devicePixelRatioF()
        image = QImage(area.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self.palette().color(QPalette.ColorRole.Window))
        painter = QPainter(image)
        for name in self.visible_panes:
            pane = self.panes[name]
            painter.drawPixmap(pane.pos() - area.topLeft(), pane.grab())
        painter.end()
        return image

    def arrange(self) -> None:
        """Place everything anew."""
        if not self.width() or not self.height():
            return
        title = self.panes["input"].title.height()
        visible, details = self.visible_panes, self._wants_details and self._alone is None
        compared = self.second is not None and self._alone is None
        count, columns = (2 * len(visible), len(visible)) if compared else (len(visible), None)
        plan: Arrangement = arrange(
            self.width(), self.height(), self._aspect, count, title, details=details, columns=columns
        )
        for name, pane in self.panes.items():
            pane.setVisible(name in visible)
        for name, place in zip(visible, plan.panes, strict=False):
            self.panes[name].setGeometry(place)
        if self.second is not None:
            self.second.place(visible, plan.panes[len(visible) :])
        self.details.setVisible(plan.details is not None)
        if plan.details is not None:
            self.details.setGeometry(plan.details)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the pictures as large as they can be."""
        super().resizeEvent(event)
        self.arrange()

    def _set_aspect(self, aspect: float) -> None:
        if aspect != self._aspect:
            self._aspect = aspect
            self.arrange()
