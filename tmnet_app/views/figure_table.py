"""A small table of numbers: rows and columns have names, cells change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.views.probability_bars import EN_DASH


class FigureTable(QWidget):
    """Shows text in cells; what a row is stands in its tooltip."""

    def __init__(
        self, name: str, columns: Sequence[str], rows: Mapping[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(GRID)
        self.heads = {column: _label(column, muted=True) for column in columns}
        for place, head in enumerate(self.heads.values(), start=1):
            grid.addWidget(head, 0, place)
            grid.setColumnStretch(place, 1)
        self._cells: dict[tuple[str, str], QLabel] = {}
        for line, (row, tip) in enumerate(rows.items(), start=1):
            caption = _label(row, muted=True, left=True)
            caption.setToolTip(tip)
            grid.addWidget(caption, line, 0)
            for place, column in enumerate(columns, start=1):
                cell = self._cells[row, column] = _label(EN_DASH)
                cell.setAccessibleName(f"{row}, {column}")
                cell.setToolTip(tip)
                grid.addWidget(cell, line, place)

    def write(self, row: str, column: str, text: str) -> None:
        """Put text into a cell; an empty one becomes an en dash."""
        self._cells[row, column].setText(text or EN_DASH)

    def text(self, row: str, column: str) -> str:
        """Return what a cell says."""
        return self._cells[row, column].text()

    def clear(self) -> None:
        """Empty all cells."""
        for cell in self._cells.values():
            cell.setText(EN_DASH)


def _label(text: str, *, muted: bool = False, left: bool = False) -> QLabel:
    label = QLabel(text)
    label.setProperty("muted", muted)
    label.setFont(tabular(label.font(), bold=not muted))
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return label
