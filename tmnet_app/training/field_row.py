"""One value of the recipe on a line: its name, its editor, a mark where it was changed, and what is wrong with it."""

from __future__ import annotations

from pydantic.fields import FieldInfo
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QToolButton, QWidget

from tmnet_app.icons import icon
from tmnet_app.theme import GRID, tabular
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.field_editors import FieldEditor, describe_bounds, make_editor
from tmnet_app.training.fields import name_of

LABEL_WIDTH = 17 * GRID


class FieldRow(QWidget):
    """Keeps one value of a draft and its editor the same.

    Args:
        editor: another editor than the one its definition asks for.
    """

    def __init__(
        self,
        draft: RecipeDraft,
        key: str,
        field: FieldInfo,
        editor: FieldEditor | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.key = key
        self.words = f"{key} {name_of(key)} {field.description or ''}".casefold()
        self._draft = draft
        self.editor = editor or make_editor(field)
        self._label = QLabel(name_of(key))
        self.reset = QToolButton()
        self.problem = QLabel()
        self._build(field)
        self.editor.edited.connect(lambda value: draft.set_value(key, value))
        self.reset.clicked.connect(lambda: draft.reset(key))
        draft.changed.connect(self._follow)
        draft.checked.connect(self._mark)
        self._follow("")
        self._mark()

    def _build(self, field: FieldInfo) -> None:
        self._label.setFixedWidth(LABEL_WIDTH)
        self._label.setWordWrap(True)
        self._label.setBuddy(self.editor)
        self.editor.control.setAccessibleName(self._label.text())
        self.editor.control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for widget in (self._label, self.editor.control):
            widget.setToolTip(_explain(self.key, field))
        self.reset.setAutoRaise(True)
        self.reset.setAccessibleName(f"Reset {self._label.text()}")
        self.reset.setFixedSize(4 * GRID, 3 * GRID + 4)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.problem.setWordWrap(True)
        self.problem.setProperty("problem", True)
        self.problem.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._label, 0, 0)
        grid.addWidget(self.editor, 0, 1)
        grid.addWidget(self.reset, 0, 2)
        grid.addWidget(self.problem, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        self._tint()

    @property
    def changed(self) -> bool:
        """Whether the value differs from the base recipe's."""
        return self._draft.is_changed(self.key)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        self.reset.setIcon(icon("reset", self.palette()))

    def _follow(self, key: str) -> None:
        if key in {"", self.key}:
            self.editor.show_value(self._draft.value(self.key))

    def _mark(self) -> None:
        changed = self.changed
        self._label.setFont(tabular(self.font(), bold=changed))
        self.reset.setVisible(changed)
        self.reset.setToolTip(f"Back to {_short(self._draft.base_value(self.key))}")
        sentence = self._draft.problems.get(self.key, "")
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.editor.control.setAccessibleDescription(sentence)


def _explain(key: str, field: FieldInfo) -> str:
    bounds = describe_bounds(field)
    lines = [field.description or "", bounds and f"{bounds[0].upper()}{bounds[1:]}.", f"<code>{key}</code>"]
    return "<p>" + "<br>".join(line for line in lines if line) + "</p>"


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if text else "nothing"
