"""Comparing two networks: from the action to the second row of pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from tmnet_app.actions import Actions
from tmnet_app.live_session import LiveSession
from tmnet_app.opening import CHECKPOINT_FILTER
from tmnet_app.second_model import SecondModel, compare_classes
from tmnet_app.views.stage import Stage
from tmnet_core.attention.classes import shown_name


class Comparison(QObject):
    """Opens the second network, shows it and lets it go."""

    said = Signal(str, str)  # one sentence, details

    def __init__(self, session: LiveSession, stage: Stage, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._stage, self._window = session, stage, window
        self._action = actions["compare"]
        self.second = SecondModel(session, self)
        self._action.triggered.connect(self._toggle)
        self.second.loaded.connect(self._begin)
        self.second.failed.connect(self._tell)
        session.checkpoint_loaded.connect(self._compare_classes)
        session.ticked.connect(self._ease)

    def open(self, path: str) -> None:
        """Compare with this checkpoint from the moment it is loaded."""
        self._action.setChecked(True)
        self.second.load(path)

    def close(self) -> None:
        """Stop comparing."""
        self.second.close()
        self._stage.stop_comparing()
        self._action.setChecked(False)
        self._session.show_again()

    def _toggle(self, on: bool) -> None:
        if not on:
            self.close()
            return
        self._action.setChecked(False)
        if self._session.model is None:
            self.said.emit("Open a first checkpoint before a second one.", "")
            return
        folder = str(Path(self._session.checkpoint).parent)
        path, _ = QFileDialog.getOpenFileName(self._window, "Compare with a checkpoint", folder, CHECKPOINT_FILTER)
        if path:
            self.open(path)

    def _begin(self) -> None:
        model = self.second.model
        if model is not None:
            self._stage.compare(model.header.title, [shown_name(name) for name in model.classes], model.branches)
            self._compare_classes()

    def _ease(self, now: float) -> None:
        if self._stage.second is not None:
            self._stage.second.views.bars.ease(now)

    def _compare_classes(self) -> None:
        first, second = self._session.model, self.second.model
        words = compare_classes(first.classes, second.classes) if first and second else ""
        if words:
            self.said.emit(words, "")

    def _tell(self, sentence: str, details: str) -> None:
        self._action.setChecked(self.second.model is not None)
        self.said.emit(sentence, details)
