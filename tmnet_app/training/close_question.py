"""What becomes of runs that go on when the window closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from tmnet_app.training.run_watch import RunWatch


class CloseQuestion(QMessageBox):
    """Asks beside the event loop: pictures and runs go on until there is an answer."""

    answered = Signal(object)  # what to do with each RunWatch; None to stay

    def __init__(self, watches: Sequence[RunWatch], window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setIcon(QMessageBox.Icon.Question)
        self.setWindowTitle("A run goes on")
        names = ", ".join(watch.run.path.name for watch in watches)
        self.setText(f"{names} is still training." if len(watches) == 1 else f"{names} are still training.")
        self.setInformativeText("It can go on without this window; TMNet finds it again.")
        role = QMessageBox.ButtonRole
        go_on = self.addButton("Go on without the window", role.AcceptRole)
        stop = self.addButton("Stop and keep", role.ActionRole)
        cancel = self.addButton("Cancel the run", role.DestructiveRole)
        stay = self.addButton("Stay here", role.RejectRole)
        self.setDefaultButton(go_on)
        self.setEscapeButton(stay)
        self._answers: dict[object, Callable[[RunWatch], None]] = {
            go_on: lambda watch: None,
            stop: RunWatch.stop,
            cancel: RunWatch.cancel,
        }
        self.finished.connect(lambda: self.answered.emit(self._answers.get(self.clickedButton())))
