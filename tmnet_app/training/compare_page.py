"""The curves of several runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.training.curves import Curves
from tmnet_app.training.run_watch import RunWatch
from tmnet_core.training.run_folder import RunFolder


class ComparePage(QWidget):
    """Follows the runs as long as it is there; of each the branches' best answer is drawn."""

    def __init__(self, watches: Sequence[RunWatch], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.watches = list(watches)
        self.curves = Curves()
        about = QLabel("One colour a run; validation is that of RB+CB, or of the only branch there is.")
        about.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.addWidget(about)
        layout.addWidget(self.curves, 1)
        for watch in self.watches:
            watch.setParent(self)
            watch.updated.connect(self._draw)

    def _draw(self) -> None:
        if all(watch.caught_up for watch in self.watches):
            self.curves.show_records({watch.run.path.name: watch.record for watch in self.watches})

    def move_to(self, before: RunFolder, run: RunFolder) -> None:
        """Show a run under its new name."""
        for watch in self.watches:
            if watch.run.path == before.path:
                watch.move_to(run)
        self._draw()

    def close_watches(self) -> None:
        """Follow them no more."""
        for watch in self.watches:
            watch.close()
