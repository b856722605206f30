"""What the main window needs of training: a window of its own, a network to look with, a question at the end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from tmnet_app.live_session import LiveSession
from tmnet_app.training.close_question import CloseQuestion
from tmnet_app.training.network_panel import LoadedNetwork
from tmnet_app.training.run_watch import RunWatch
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.training.launching import active_runs, is_training
from tmnet_core.training.run_folder import default_runs_folder

_LOOK_MS = 100


class OpenCheckpoint(Protocol):
    """Lets the player look with a checkpoint."""

    def __call__(self, path: str, *, for_now: bool = False) -> None:
        """Load it in the background."""


class TrainingController(QObject):
    """Owns the training window, which is made when it is first wanted.

    Args:
        open_checkpoint: lets the player look with a checkpoint; told `for_now` where a better one may come soon.
    """

    said = Signal(str)  # a sentence for the status line
    outdated = Signal(str)  # what was said no longer holds
    closable = Signal()  # what was asked of runs for closing is settled

    def __init__(self, session: LiveSession, open_checkpoint: OpenCheckpoint, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._open_checkpoint = open_checkpoint
        self._window = window
        self.training: TrainingWindow | None = None
        self._question: CloseQuestion | None = None
        self._awaited: list[RunWatch] = []
        self._settled = False
        self._wait = QTimer(self, interval=_LOOK_MS)
        self._wait.timeout.connect(self._await_ends)

    def announce(self) -> None:
        """Say which runs still go on from another day, where there are any."""
        names = [run.path.name for run in active_runs(default_runs_folder())]
        if names:
            going_on = "is still training" if len(names) == 1 else "are still training"
            self.said.emit(f"{', '.join(names)} {going_on}; Ctrl+T shows how far.")

    def show(self) -> TrainingWindow:
        """Show the training window; what still goes on from another day is found."""
        if self.training is None:
            self.training = TrainingWindow(default_runs_folder(), self._loaded)
            self.training.watch_requested.connect(self._watch)
            self.training.run_ended.connect(self.said)
            self.training.run_went_on.connect(self.outdated)
            self.training.run_moved.connect(self._follow_folder)
            self.training.best_found.connect(partial(self._open_checkpoint, for_now=True))
            self.training.best_settled.connect(self._open_checkpoint)
            self._session.checkpoint_loaded.connect(self.training.stop_following)
            self.training.open_active_runs()
        self.training.setup.network.show_loaded()
        self.training.show()
        self.training.raise_()
        self.training.activateWindow()
        return self.training

    def may_close(self) -> bool:
        """Whether nothing holds the window; else a person is asked, or runs are ended, and `closable` tells when."""
        watches = self.training.active_watches() if self.training and not self._settled else []
        if watches and self._question is None and not self._awaited:
            if all(watch.ending for watch in watches):
                self._settle(watches, RunWatch.cancel)
                return False
            self._question = CloseQuestion(watches, self._window)
            self._question.answered.connect(partial(self._settle, watches))
            self._question.open()
        return not watches

    def _settle(self, watches: list[RunWatch], answer: Callable[[RunWatch], None] | None) -> None:
        self._question = None
        if answer is None:
            return
        for watch in watches:
            answer(watch)
        self._awaited = [watch for watch in watches if watch.ending]
        if self._awaited:
            self.said.emit("The window closes as soon as the run's processes are gone …")
            self._wait.start()
        else:
            self._let_go()

    def _await_ends(self) -> None:
        if any(watch.ending for watch in self._awaited):
            return
        self._wait.stop()
        left = [watch.run.path.name for watch in self._awaited if is_training(watch.run)]
        self._awaited = []
        if left:
            self.said.emit(f"{', '.join(left)} could not be ended, so the window stays.")
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._settled = True
        self.closable.emit()

    def close(self) -> None:
        """Take the training window away."""
        self._wait.stop()
        if self.training is not None:
            self.training.shut_down()
            self.training.deleteLater()
            self.training = None

    def _watch(self, checkpoint: str, for_now: bool) -> None:
        self._open_checkpoint(checkpoint, for_now=for_now)
        self._window.raise_()
        self._window.activateWindow()

    def _follow_folder(self, before: Path, now: Path) -> None:
        """Look with the same network where it lies now."""
        checkpoint = Path(self._session.checkpoint)
        if checkpoint.is_relative_to(before):
            self._open_checkpoint(str(now / checkpoint.relative_to(before)))

    def _loaded(self) -> LoadedNetwork | None:
        header, path = self._session.header, self._session.checkpoint
        if header is None or not Path(path).is_file() or Path(path).suffix != ".safetensors":
            return None
        return LoadedNetwork(str(Path(path).absolute()), header.model)
