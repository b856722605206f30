"""A new training: the clips, the network, the recipe; what is in the data, and what the run will need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from tmnet_app.saving import ask_where_to_save
from tmnet_app.theme import GRID
from tmnet_app.training.advanced_form import AdvancedForm
from tmnet_app.training.data_panel import DataPanel
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.fields import in_form_words, name_of
from tmnet_app.training.needs_bar import NeedsBar
from tmnet_app.training.network_panel import LoadedNetwork, NetworkPanel
from tmnet_app.training.preview_view import PreviewView
from tmnet_app.training.previewer import Previewer
from tmnet_app.training.recipe_panel import RecipePanel
from tmnet_app.training.scrolling import scrolled
from tmnet_app.training.trial_runner import TrialRunner
from tmnet_core.config import DataSection
from tmnet_core.data.preview import DatasetPreview
from tmnet_core.errors import RecipeError
from tmnet_core.training.trial_result import TrialResult

_NAMED = 4
_GOES_WITHOUT_SAYING = ("data.root", "name")
_TOML_FILTER = "Recipes (*.toml);;All files (*)"


class SetupPage(QWidget):
    """The dialog is the recipe: everything here changes one RecipeDraft.

    Args:
        loaded: returns the network that is open now, None without one.
    """

    start_requested = Signal(object, int)  # a valid Recipe, and how many processes shall train together

    def __init__(self, loaded: Callable[[], LoadedNetwork | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft = RecipeDraft(parent=self)
        self.previewer = Previewer(self)
        self.trial = TrialRunner(self)
        self.data = DataPanel(self.draft)
        self.network = NetworkPanel(self.draft, loaded)
        self.recipe = RecipePanel(self.draft)
        self.preview = PreviewView()
        self.advanced = AdvancedForm(self.draft)
        self.needs = NeedsBar()
        self._usable = False
        self._data_problem = ""
        self._build()
        self._connect()
        self._check()

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(_with_margin(self.preview), "What the data holds")
        self.tabs.addTab(_with_margin(self.advanced), "Advanced: every value")
        middle = QHBoxLayout()
        middle.setSpacing(2 * GRID)
        middle.addWidget(_steps(self.data, self.network), 4)
        middle.addWidget(_steps(self.recipe), 4)
        middle.addWidget(self.tabs, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(middle, 1)
        layout.addWidget(self.needs)
        layout.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.load = _button("Load recipe…", "Take all values from a TOML file")
        self.save = _button("Save recipe…", "Write all values to a TOML file")
        self.copy = _button("Copy as command", "Copy the line for a terminal that trains the same")
        self.try_step = _button("Try a step", "Train a few steps, to tell how much memory and time the run will need")
        self.start = _button("Start training", "Train in the background; it goes on when this window is closed")
        self.start.setProperty("primary", True)
        for button in (self.load, self.save, self.copy):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.try_step)
        row.addWidget(self.start)
        return row

    def _connect(self) -> None:
        draft = self.draft
        draft.checked.connect(self._check)
        draft.changed.connect(self._forget_trial)
        self.data.refused.connect(self.needs.show_problem)
        self.data.dropped.connect(self.take_dropped)
        self.previewer.asked.connect(self._forget_verdict)
        self.previewer.started.connect(self.preview.show_looking)
        self.previewer.found.connect(self._show_preview)
        self.recipe.base_chosen.connect(self._start_from)
        self.trial.progressed.connect(self.needs.show_progress)
        self.trial.finished.connect(self._show_trial)
        self.trial.failed.connect(self._show_trial_failure)
        self.load.clicked.connect(self._load)
        self.save.clicked.connect(self._save)
        self.copy.clicked.connect(self._copy)
        self.try_step.clicked.connect(self._try)
        self.start.clicked.connect(self._start)

    def close_threads(self) -> None:
        """End what goes on beside the window."""
        self.previewer.close()
        self.trial.cancel()

    def take_dropped(self, path: Path) -> None:
        """Take a dropped folder, and show what is in it; or a dropped recipe."""
        if path.suffix.lower() == ".toml":
            self._start_from(str(path))
            return
        self.tabs.setCurrentIndex(0)
        self.data.take(path)

    def _check(self) -> None:
        draft = self.draft
        if not draft.value("data.root"):
            self._forget_verdict()
            self.previewer.forget()
            self.preview.show_nothing()
        elif draft.recipe is not None:
            self.previewer.ask(draft.recipe.data)
        elif not any(key.startswith("data.") for key in draft.problems):
            self._ask_alone()
        self._enable()

    def _ask_alone(self) -> None:
        """Look into the data while another part of the recipe is still wrong."""
        values = {name: self.draft.value(f"data.{name}") for name in DataSection.model_fields}
        self.previewer.ask(DataSection.model_validate(values))

    def _enable(self) -> None:
        key, sentence = next(iter(self.draft.problems.items()), ("", ""))
        problem = f"{name_of(key)}: {sentence[:1].lower()}{sentence[1:]}" if key else sentence or self._data_problem
        ready = self.draft.recipe is not None
        tip = problem or ("" if self._usable else "Choose clips that can be trained on first")
        for button in (self.start, self.try_step):
            button.setEnabled(ready and self._usable)
            button.setToolTip(tip or button.property("tip"))
        for button in (self.save, self.copy):
            button.setEnabled(ready)
        self.needs.show_problem(problem)

    def _forget_verdict(self) -> None:
        self._usable, self._data_problem = False, ""

    def _show_preview(self, preview: DatasetPreview) -> None:
        self._usable = preview.usable
        self._data_problem = "" if preview.usable else in_form_words(next(iter(preview.problems), ""))
        self.preview.show_preview(preview)
        self.data.show_official(preview.official)
        self._enable()

    def _start_from(self, base: str) -> None:
        try:
            others = self.draft.start_from(base)
        except RecipeError as error:
            self.needs.show_problem(str(error))
        else:
            kept = [key for key in self.draft.changed_keys() if key not in _GOES_WITHOUT_SAYING]
            self.needs.show_note(describe_other_base(Path(base).name, others, kept))

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load a recipe", "", _TOML_FILTER)
        if path:
            self._start_from(path)

    def _save(self) -> None:
        name = f"{self.draft.value('name')}.toml"
        found = ask_where_to_save(self, "Save the recipe", name, _TOML_FILTER)
        if found is None:
            return
        target, _ = found
        try:
            self.draft.save(target)
        except OSError as error:
            self.needs.show_problem(f"The recipe could not be written to {target}: {error.strerror}.")
        else:
            self.needs.show_note(f"Saved to {target}.")

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.draft.command(self.recipe.processes.value()))
        self.needs.show_note("Copied. Paste it into a terminal: it trains the same.")

    def _try(self) -> None:
        if self.trial.running:
            self.trial.cancel()
            self._end_trial()
            self.needs.show_note("")
        elif self.draft.recipe is not None:
            self.try_step.setText("Stop trying")
            self.needs.show_progress("Starting a trial …")
            self.trial.start(self.draft.recipe)

    def _end_trial(self) -> None:
        self.try_step.setText("Try a step")

    def _show_trial(self, result: TrialResult) -> None:
        self._end_trial()
        self.recipe.show_pace(result.seconds_per_step)
        self.needs.show_trial(result)
        if self.draft.recipe is not None:
            self.needs.show_other_length(self.draft.recipe)

    def _show_trial_failure(self, sentence: str) -> None:
        self._end_trial()
        self.needs.show_problem(sentence)

    def _forget_trial(self, key: str) -> None:
        """What was found no longer holds, unless only the length or the name is another one."""
        if key == "schedule.iterations" and self.draft.recipe is not None:
            self.needs.show_other_length(self.draft.recipe)
        elif key not in {"name", "schedule.iterations"}:
            self.trial.cancel()
            self._end_trial()
            self.recipe.show_pace(0.0)
            self.needs.forget()

    def _start(self) -> None:
        if self.draft.recipe is not None:
            self.trial.cancel()
            self._end_trial()
            self.start_requested.emit(self.draft.recipe, self.recipe.processes.value())


def describe_other_base(base: str, others: list[str], kept: list[str]) -> str:
    """Say what another recipe changed, and what of the person's own choices stands on top of it."""
    sentences = [f"{base} changed {_listed(others)}." if others else f"{base} changed nothing."]
    if kept:
        sentences.append(f"Kept as you set it: {_listed(kept)}; the arrow beside a value takes {base}'s.")
    return " ".join(sentences)


def _listed(keys: list[str]) -> str:
    names = [f"“{name_of(key)}”" for key in keys[:_NAMED]]
    more = len(keys) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setProperty("tip", tip)
    return button


def _steps(*panels: QWidget) -> QScrollArea:
    """Return panels below each other, which scroll only where the window is very low."""
    inside = QWidget()
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2 * GRID)
    for panel in panels:
        column.addWidget(panel)
    column.addStretch(1)
    area = scrolled(inside, sideways=False)
    area.setMinimumWidth(inside.minimumSizeHint().width())
    return area


def _with_margin(widget: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(GRID, 2 * GRID, 0, 0)
    layout.addWidget(widget)
    return page
