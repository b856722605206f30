"""The third step: how it is taught. The few values that matter, laid out by hand."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.field_editors import CalmComboBox, CalmSpinBox, FieldEditor
from tmnet_app.training.field_row import LABEL_WIDTH, FieldRow
from tmnet_app.training.fields import recipe_fields
from tmnet_app.training.headings import heading
from tmnet_core.config import shipped_recipes

_MOST_GPUS = 16
_DEVICES = ("auto", "cpu", "cuda", "cuda:0", "cuda:1", "mps")
_FRONT = ("clip.frames", "clip.size", "objective.alpha", "clip.key_frame", "training.device", "training.precision")


class RecipePanel(QFrame):
    """A shipped recipe, and the values that a person changes first."""

    base_chosen = Signal(str)

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._draft = draft
        self._seconds_per_step = 0.0
        fields = recipe_fields()
        self.bases = CalmComboBox()
        self.bases.setAccessibleName("Recipe")
        self.bases.setToolTip("A recipe that comes with TMNet; what you change below is on top of it")
        self.bases.addItems(list(shipped_recipes()))
        self.bases.activated.connect(lambda: self.base_chosen.emit(self.bases.currentText()))
        self.what = QLabel()
        self.what.setWordWrap(True)
        self.what.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, GRID, 2 * GRID)
        layout.addWidget(heading("3   How it is taught"))
        recipe = _labelled("Recipe", self.bases)
        recipe.addSpacing(5 * GRID)
        layout.addLayout(recipe)
        layout.addWidget(self.what)
        layout.addWidget(FieldRow(draft, "name", fields["name"]))
        layout.addWidget(FieldRow(draft, "schedule.iterations", fields["schedule.iterations"]))
        layout.addLayout(self._time_row())
        for key in _FRONT:
            editor = DeviceEditor() if key == "training.device" else None
            layout.addWidget(FieldRow(draft, key, fields[key], editor))
            if key == "training.device":
                layout.addLayout(self._processes_row())
        draft.changed.connect(self._follow)
        self._follow()

    def _processes_row(self) -> QHBoxLayout:
        self.processes: QSpinBox = CalmSpinBox()
        self.processes.setRange(1, _MOST_GPUS)
        self.processes.setAccessibleName("GPUs together")
        self.processes.setToolTip(
            "With device cuda: one process on each of so many GPUs, which share every step's clips"
        )
        row = _labelled("GPUs together", self.processes)
        row.addSpacing(5 * GRID)
        return row

    def _time_row(self) -> QHBoxLayout:
        self.minutes: QSpinBox = CalmSpinBox()
        self.minutes.setRange(1, 100_000)
        self.minutes.setValue(30)
        self.minutes.setSuffix(" min")
        self.minutes.setAccessibleName("Minutes to train for")
        self.by_time = QPushButton("Apply")
        self.by_time.clicked.connect(self._set_by_time)
        row = _labelled("Or train for", self.minutes)
        row.addWidget(self.by_time)
        row.addSpacing(5 * GRID)
        self.show_pace(0.0)
        return row

    def show_pace(self, seconds_per_step: float) -> None:
        """Let a length be given as time, now that it is known how long a step takes; 0 while it is not."""
        self._seconds_per_step = seconds_per_step
        known = seconds_per_step > 0
        tip = "Choose the iterations that fit into this time" if known else "Try a step first: then the pace is known"
        for widget in (self.minutes, self.by_time):
            widget.setEnabled(known)
            widget.setToolTip(tip)

    def _set_by_time(self) -> None:
        self._draft.set_value("schedule.iterations", max(1, round(60 * self.minutes.value() / self._seconds_per_step)))

    def _follow(self) -> None:
        shipped = shipped_recipes()
        base = self._draft.base
        self.bases.setCurrentText(base) if base in shipped else self.bases.setCurrentIndex(-1)
        self.bases.setPlaceholderText("from a file")
        self.what.setText(_first_line(base) if base in shipped else f"From {base}")


class DeviceEditor(FieldEditor):
    """Where it computes; another name may be typed."""

    def __init__(self) -> None:
        self._box = CalmComboBox()
        super().__init__(self._box)
        self._box.setEditable(True)
        self._box.addItems(list(_DEVICES))
        self._box.textActivated.connect(self.edited.emit)
        line = self._box.lineEdit()
        assert line is not None
        line.textEdited.connect(self.edited.emit)

    def show_value(self, value: object) -> None:  # noqa: D102
        if self._box.currentText() != str(value):
            self._box.setCurrentText(str(value))


def _labelled(text: str, widget: QWidget) -> QHBoxLayout:
    label = QLabel(text)
    label.setFixedWidth(LABEL_WIDTH)
    label.setBuddy(widget)
    row = QHBoxLayout()
    row.setSpacing(GRID)
    row.addWidget(label)
    row.addWidget(widget, 1)
    return row


def _first_line(name: str) -> str:
    return shipped_recipes()[name].read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
