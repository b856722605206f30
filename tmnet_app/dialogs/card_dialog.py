"""The checkpoint's card in a window of its own."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.views.checkpoint_card import CheckpointCard


class CardDialog(QDialog):
    """What the loaded network is and was trained on."""

    def __init__(self, rows: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About this checkpoint")
        self.card = CheckpointCard()
        self.card.show_rows(rows)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setToolTip("Close this card")
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.addWidget(self.card)
        layout.addWidget(buttons)
        self.resize(640, 440)
