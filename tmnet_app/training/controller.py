"""What the main window needs of training: a window of its own, a network to look with, a question at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from tmnet_app.live_session import LiveSession
from tmnet_app.training.network_panel import LoadedNetwork
from tmnet_app.training.run_watch import RunWatch
from tmnet_app.training.training_window import TrainingWindow
from tmnet_core.training.launching import active_runs
from tmnet_core.training.run_folder import default_runs_folder


class TrainingController(QObject):
    """Owns the training window, which is made when it is first wanted.

    Args:
        open_checkpoint: lets the player look with a checkpoint.
    """

    said = Signal(str)  # a sentence for the status line
    outdated = Signal(str)  # what was said no longer holds

    def __init__(self, session: LiveSession, open_checkpoint: Callable[[str], None], window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._open_checkpoint = open_checkpoint
        self._window = window
        self.training: TrainingWindow | None = None

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
            self.training.best_found.connect(self._open_checkpoint)
            self._session.checkpoint_loaded.connect(self.training.stop_following)
            self.training.open_active_runs()
        self.training.setup.network.show_loaded()
        self.training.show()
        self.training.raise_()
        self.training.activateWindow()
        return self.training

    def may_close(self) -> bool:
        """Ask what becomes of runs that go on; False where the window shall stay."""
        watches = self.training.active_watches() if self.training else []
        if not watches:
            return True
        answer = ask_about(watches, self._window)
        if answer is None:
            return False
        for watch in watches:
            answer(watch)
        return True

    def close(self) -> None:
        """Take the training window away."""
        if self.training is not None:
            self.training.shut_down()
            self.training.deleteLater()
            self.training = None

    def _watch(self, checkpoint: str) -> None:
        self._open_checkpoint(checkpoint)
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


def ask_about(watches: list[RunWatch], window: QWidget) -> Callable[[RunWatch], None] | None:
    """Ask what becomes of the runs when the window closes; returns what to do with each, None to stay."""
    box = QMessageBox(window)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("A run goes on")
    names = ", ".join(watch.run.path.name for watch in watches)
    box.setText(f"{names} is still training." if len(watches) == 1 else f"{names} are still training.")
    box.setInformativeText("It can go on without this window; TMNet finds it again.")
    role = QMessageBox.ButtonRole
    go_on = box.addButton("Go on without the window", role.AcceptRole)
    stop = box.addButton("Stop and keep", role.ActionRole)
    cancel = box.addButton("Cancel the run", role.DestructiveRole)
    stay = box.addButton("Stay here", role.RejectRole)
    box.setDefaultButton(go_on)
    box.setEscapeButton(stay)
    box.exec()
    answers: dict[object, Callable[[RunWatch], None]] = {
        go_on: lambda watch: None,
        stop: RunWatch.stop,
        cancel: RunWatch.cancel,
    }
    return answers.get(box.clickedButton())
