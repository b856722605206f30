"""Every value of a recipe, by section, with a search: made from the recipe's own definition."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.field_row import FieldRow
from tmnet_app.training.fields import name_of, recipe_fields
from tmnet_app.training.scrolling import scrolled
from tmnet_core.config import Recipe


class AdvancedForm(QWidget):
    """A search line over the rows of all sections; what does not match is hidden."""

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("All values of the recipe")
        self._draft = draft
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search: learning rate, crop, seed …")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the values")
        self.only_changed = QCheckBox("Changed only")
        self.only_changed.setToolTip("Show only the values that differ from the recipe that you started from")
        self.count = QLabel()
        self.count.setProperty("muted", True)
        self.rows: dict[str, FieldRow] = {}
        self._sections: list[tuple[QFrame, list[FieldRow]]] = []
        self._nothing = QLabel("No value is called so.")
        self._nothing.setProperty("muted", True)
        self._build()
        self.search.textChanged.connect(self._sift)
        self.only_changed.toggled.connect(self._sift)
        draft.checked.connect(self._count)
        self._sift()

    def _build(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.only_changed)
        top.addWidget(self.count)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(2 * GRID)
        for section, group in groupby(recipe_fields().items(), key=lambda item: item[0].rpartition(".")[0]):
            rows = [FieldRow(self._draft, key, field) for key, field in group]
            self.rows |= {row.key: row for row in rows}
            frame = _section_frame(section, rows)
            self._sections.append((frame, rows))
            column.addWidget(frame)
        column.addWidget(self._nothing)
        column.addStretch(1)
        scroll = scrolled(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(scroll, 1)

    def _sift(self) -> None:
        words = self.search.text().casefold().split()
        any_shown = False
        for frame, rows in self._sections:
            shown = [self._matches(row, words) for row in rows]
            for row, visible in zip(rows, shown, strict=True):
                row.setVisible(visible)
            frame.setVisible(any(shown))
            any_shown |= any(shown)
        self._nothing.setVisible(not any_shown)
        self._count()

    def _matches(self, row: FieldRow, words: list[str]) -> bool:
        return all(word in row.words for word in words) and (row.changed or not self.only_changed.isChecked())

    def _count(self) -> None:
        changed = len(self._draft.changed_keys())
        self.count.setText(f"{changed} changed" if changed else "as the recipe")


def _section_frame(section: str, rows: list[FieldRow]) -> QFrame:
    frame = QFrame()
    frame.setProperty("card", True)
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(2 * GRID, GRID, GRID, 2 * GRID)
    heading = QLabel(name_of(section) if section else "Run")
    heading.setFont(tabular(heading.font(), scale=1.15, bold=True))
    layout.addWidget(heading)
    definition = Recipe.model_fields[section].annotation if section else None
    if definition is not None and definition.__doc__:
        about = QLabel(definition.__doc__.strip().splitlines()[0])
        about.setProperty("muted", True)
        about.setWordWrap(True)
        layout.addWidget(about)
    for row in rows:
        layout.addWidget(row)
    return frame
