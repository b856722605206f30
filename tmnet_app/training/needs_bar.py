"""One line about the run that is being set up: what is wrong, or what it will need."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.training.fields import in_form_words
from tmnet_app.training.headings import mark_problem
from tmnet_app.training.wording import spell_time
from tmnet_core.config import Recipe
from tmnet_core.training.trial_result import TrialResult

_UNKNOWN = "How long it takes and whether it fits into memory: try a step, and it is told here."


class NeedsBar(QFrame):
    """What is known of the needs, and a note below it; a problem goes before both."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setFont(tabular(self.font()))
        self.label.setAccessibleName("What the run needs")
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._problem = ""
        self._note = ""
        self._result: TrialResult | None = None
        self._scale = 1.0
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        layout.addWidget(self.label, 1)
        # Two lines, so that nothing moves; a label that wraps would take one where one is enough.
        self.label.setMinimumHeight(2 * self.label.fontMetrics().lineSpacing())
        self._show()

    def show_problem(self, sentence: str) -> None:
        """Show what is wrong; empty when nothing is."""
        self._problem = sentence
        self._show()

    def show_progress(self, sentence: str) -> None:
        """Show what the trial does; what another one found no longer counts."""
        self._result = None
        self.show_note(sentence)

    def show_note(self, sentence: str) -> None:
        """Say what was done."""
        self._problem, self._note = "", sentence
        self._show()

    def show_trial(self, result: TrialResult) -> None:
        """Show what a trial found."""
        self._problem, self._note, self._result, self._scale = "", "", result, 1.0
        self._show()

    def show_other_length(self, recipe: Recipe) -> None:
        """Tell the time of another number of iterations, of what else was tried."""
        if self._result is not None and self._result.iterations:
            self._scale = recipe.schedule.iterations / self._result.iterations
            self._show()

    def forget(self) -> None:
        """Nothing is known any more."""
        self._note, self._result = "", None
        self._show()

    def _show(self) -> None:
        result = self._result
        if self._problem:
            text = self._problem
        elif result is None:
            text = self._note or _UNKNOWN
        else:
            text = "\n".join(filter(None, (describe_needs(result, self._scale), self._note)))
        self.label.setText(text)
        mark_problem(self.label, bool(self._problem) or (result is not None and not result.fits))


def describe_needs(result: TrialResult, scale: float = 1.0) -> str:
    """Return what a trial found, for a person; `scale` is another length over the one that was tried."""
    memory = f"{result.memory_gib:.1f} of {result.available_gib:.1f} GiB of memory on {result.device}"
    if not result.fits:
        held = (
            f"it wants {memory}"
            if result.memory_gib
            else f"{result.available_gib:.1f} GiB on {result.device} are too few"
        )
        return f"It does not fit: {held}. {in_form_words(result.advice)}"
    pace = (
        f"{result.seconds_per_step:.2f} s a step"
        if result.seconds_per_step < 10
        else f"{result.seconds_per_step:.0f} s a step"
    )
    return f"About {spell_time(scale * result.seconds)} in all, {pace}, {memory}."
