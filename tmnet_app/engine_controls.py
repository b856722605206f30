"""Lets a person choose what computes, and shows what it costs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget

from tmnet_app.live_session import AUTOMATIC, EngineChoice, LiveSession
from tmnet_app.views.stage import Stage
from tmnet_app.views.top_bar import TopBar
from tmnet_core.live.stage_meter import read_memory

if TYPE_CHECKING:
    from tmnet_core.live.engines.choice import EngineOffer

_WRITES_EVERY_TICKS = 15
_AUTOMATIC_TIP = "The fastest engine that gives the answers of training: on the CPU onnxruntime or ncnn, else torch"
_ON_CPU = EngineChoice("auto", "cpu")


class EngineControls(QObject):
    """Puts the engines into the network's menu, asks what to do where a GPU's memory falls short, tells of the cost."""

    def __init__(self, session: LiveSession, top_bar: TopBar, stage: Stage, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._details = stage.details
        self._window = window
        self._ticks = 0
        self.question: QMessageBox | None = None
        self.menu = QMenu("Engine", window)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.fill_menu)
        self._model_menu = top_bar.model.menu()
        self._model_menu.aboutToShow.connect(self._join_model_menu)
        session.memory_fell_short.connect(self._ask)
        session.checkpoint_loaded.connect(self._show_cost)
        session.ticked.connect(self._on_tick)
        self._details.panels.chosen.connect(self._show_cost)

    def fill_menu(self) -> None:
        """List the engines, those that cannot be had greyed and with the reason as tooltip."""
        self.menu.clear()
        group = QActionGroup(self.menu)
        self._add(group, "Automatic", AUTOMATIC, _AUTOMATIC_TIP, enabled=True)
        device = ""
        for offer in self._session.engines:
            if offer.device != device:
                device = offer.device
                self.menu.addSeparator()
            tip = "" if offer.refused is None else f"Not here: {offer.refused}"
            choice = EngineChoice(offer.name, offer.device)
            self._add(group, _title(offer), choice, tip, enabled=offer.refused is None)
        if not self._session.engines:
            self.menu.addAction("Open a network to see what else can run it").setEnabled(False)

    def _add(self, group: QActionGroup, title: str, choice: EngineChoice, tip: str, *, enabled: bool) -> None:
        action = QAction(title, self.menu)
        action.setCheckable(True)
        action.setChecked(choice == self._session.next_engine)
        action.setEnabled(enabled)
        action.setToolTip(tip or f"Let {title} look from now on")
        action.triggered.connect(partial(self._session.choose_engine, choice))
        group.addAction(action)
        self.menu.addAction(action)

    def _join_model_menu(self) -> None:
        """Stand behind what the menu was just filled with."""
        self._model_menu.addSeparator()
        chosen = self._session.next_engine
        titles = {EngineChoice(offer.name, offer.device): _title(offer) for offer in self._session.engines}
        self.menu.setTitle(f"Engine: {titles.get(chosen, 'automatic')}")
        self._model_menu.addMenu(self.menu)

    def _ask(self, sentence: str, checkpoint: str) -> None:
        """Ask before the CPU takes over: it is slower, and the person may rather free memory."""
        if self.question is not None:
            return
        question = QMessageBox(
            QMessageBox.Icon.Question,
            "TMNet",
            f"{sentence}\n\nLook with the CPU instead? It is slower.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            self._window,
        )
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.finished.connect(partial(self._answer, checkpoint))
        self.question = question
        question.open()

    def _answer(self, checkpoint: str, button: int) -> None:
        self.question = None
        if button == QMessageBox.StandardButton.Yes:
            self._session.choose_engine(_ON_CPU, checkpoint)

    def _on_tick(self, now: float) -> None:
        self._ticks += 1
        if self._ticks % _WRITES_EVERY_TICKS == 0:
            self._show_cost()

    def _show_cost(self) -> None:
        """Write the panel anew while it is seen; asked again and again, as a faster engine may have taken over."""
        if not self._details.panels.is_seen("engine"):
            return
        model = self._session.model
        panel = self._details.engine
        panel.show_engine(model.engine if model else "")
        panel.show_stages(self._session.painted.stages.quantiles)
        panel.show_memory(read_memory())


def _title(offer: EngineOffer) -> str:
    return f"{offer.title} · {offer.device.upper()}"
