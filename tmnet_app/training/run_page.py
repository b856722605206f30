"""One run: how it stands, how far it is, its curves, what it makes of some clips, and what can be done with it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QFontDatabase
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.training.curves import Curves
from tmnet_app.training.fields import in_form_words
from tmnet_app.training.headings import heading, mark_problem
from tmnet_app.training.run_watch import RunWatch
from tmnet_app.training.samples_view import SamplesView
from tmnet_app.training.wording import EN_DASH, percent, spell_time
from tmnet_app.views.status_line import ElidedLabel
from tmnet_core.training.record import RunRecord
from tmnet_core.training.run_folder import RunFolder

_LOG_SHOWN = 5
_FIGURES = {
    "iteration": ("Iteration", "Optimiser steps done, and how many there will be"),
    "left": ("Time left", "At the pace of the last minutes, validations included"),
    "pace": ("Clips a second", "Clips trained on each second, without validations"),
    "memory": ("Memory", "The most memory held on the device so far; a dash on a CPU"),
    "best": ("Best top-1", "Of single frames of the validation clips, by the branches' best answer"),
}
# What each figure leaves room for, so that none moves the others.
_WIDEST = {
    "iteration": "888\u202f888 / 888\u202f888",
    "left": "88 min 88 s",
    "pace": "8888.8",
    "memory": "888.88 GiB",
    "best": "100.0 %",
}


class RunPage(QWidget):
    """Shows a RunWatch, and asks it for what a person wants."""

    watch_requested = Signal(str)  # a person wants to look with this checkpoint
    best_found = Signal(str)  # it is better now, and is being looked with

    def __init__(self, watch: RunWatch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.watch = watch
        self.curves = Curves()
        self.samples = SamplesView()
        self.follow_best = False
        self._drawn: tuple[object, ...] = ()
        self._build()
        watch.updated.connect(self._show)
        watch.failed.connect(self._show_failure)
        watch.best_found.connect(self._on_best)
        self._show()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID)
        layout.addLayout(self._head())
        layout.addLayout(self._figures())
        middle = QHBoxLayout()
        middle.setSpacing(3 * GRID)
        middle.addWidget(self.curves, 5)
        middle.addWidget(self.samples, 2)
        layout.addLayout(middle, 1)
        layout.addWidget(self._log())
        layout.addLayout(self._buttons())

    def _head(self) -> QVBoxLayout:
        self.title = heading(self.watch.run.path.name, 1.4)
        self.sentence = ElidedLabel()
        self.sentence.setAccessibleName("How the run stands")
        self.suggestion = QLabel()
        self.suggestion.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(GRID)
        self.bar.setAccessibleName("Progress")
        line = QHBoxLayout()
        line.setSpacing(2 * GRID)
        line.addWidget(self.title)
        line.addWidget(self.sentence, 1)
        column = QVBoxLayout()
        column.setSpacing(GRID)
        column.addLayout(line)
        column.addWidget(self.suggestion)
        column.addWidget(self.bar)
        return column

    def _figures(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4 * GRID)
        self.figures: dict[str, QLabel] = {}
        for name, (caption, tip) in _FIGURES.items():
            label, number = QLabel(caption), QLabel(EN_DASH)
            label.setProperty("muted", True)
            number.setFont(tabular(self.font(), scale=1.3, bold=True))
            number.setAccessibleName(caption)
            number.setFixedWidth(number.fontMetrics().horizontalAdvance(_WIDEST[name]))
            for part in (label, number):
                part.setToolTip(tip)
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(label)
            column.addWidget(number)
            row.addLayout(column)
            self.figures[name] = number
        row.addStretch(1)
        return row

    def _log(self) -> QPlainTextEdit:
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setAccessibleName("The last lines of the log")
        self.log.setToolTip("The last lines of the run's log; “Open the log” shows all of it")
        self.log.setFixedHeight((_LOG_SHOWN + 1) * self.log.fontMetrics().lineSpacing())
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        for hide in (self.log.setVerticalScrollBarPolicy, self.log.setHorizontalScrollBarPolicy):
            hide(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return self.log

    def _buttons(self) -> QHBoxLayout:
        watch = self.watch
        self.watch_it = _button("Watch it", "Look at the player's video or camera with this run's best network", "W")
        self.watch_it.setProperty("primary", True)
        self.watch_it.clicked.connect(self._watch_it)
        self.pause = _button("Pause", "Hold after this step; nothing is lost")
        self.pause.clicked.connect(self._toggle_pause)
        self.stop = _button("Stop and keep", "Save and end after this step; the run can be resumed")
        self.stop.clicked.connect(watch.stop)
        self.cancel = _button("Cancel", "End it at once; what was saved at the last validation is kept")
        self.cancel.clicked.connect(watch.cancel)
        self.resume = _button("Resume", "Go on from what was saved last")
        self.resume.clicked.connect(watch.resume)
        self.open_log = _button("Open the log", "Everything that the run has said")
        self.open_log.clicked.connect(lambda: _open(watch.run.log_file))
        self.open_folder = _button("Open folder", "The run's recipe, events and checkpoints")
        self.open_folder.clicked.connect(lambda: _open(watch.run.path))
        row = QHBoxLayout()
        for button in (self.watch_it, self.open_log, self.open_folder):
            row.addWidget(button)
        row.addStretch(1)
        for button in (self.resume, self.pause, self.stop, self.cancel):
            row.addWidget(button)
        return row

    # What the run tells

    def move_to(self, run: RunFolder) -> None:
        """Show the run under its new name."""
        self.watch.move_to(run)
        self.title.setText(run.path.name)
        self._drawn = ()
        self._show()

    def _show(self) -> None:
        watch, record = self.watch, self.watch.record
        standing = watch.standing
        sentence = "Ending all of its processes …" if watch.ending else in_form_words(standing.sentence)
        self.sentence.set_full_text(sentence)
        suggestion = " ".join(part for part in (in_form_words(standing.suggestion), _left_out(record)) if part)
        self._suggest(suggestion, problem=standing.state in {"failed", "lost"} or bool(record.skipped))
        self.bar.setRange(0, max(1, record.iterations))
        self.bar.setValue(record.iteration)
        for name, text in _figures_of(record, active=standing.state == "running").items():
            self.figures[name].setText(text)
        log = "\n".join(watch.log[-_LOG_SHOWN:])
        if log != self.log.toPlainText():
            self.log.setPlainText(log)
        self._show_buttons()
        if watch.caught_up and self.isVisible():
            self._draw()

    def showEvent(self, event: object) -> None:
        """Draw what came while the page was hidden."""
        self._draw()

    def _draw(self) -> None:
        record = self.watch.record
        now = (id(record), record.steps, len(record.validations), record.samples)
        if now != self._drawn:
            self._drawn = now
            self.curves.show_records({self.watch.run.path.name: record})
            self.samples.show_samples(self.watch.run.path, record.samples)

    def _show_buttons(self) -> None:
        standing = self.watch.standing
        active = standing.active and not self.watch.ending
        for button in (self.pause, self.stop, self.cancel):
            button.setVisible(active)
        self.pause.setText("Continue" if standing.state == "paused" else "Pause")
        self.resume.setVisible(not standing.active and standing.state not in {"finished", "new"})
        there = self.watch.run.best_checkpoint.exists()
        self.watch_it.setEnabled(there)
        self.watch_it.setText("Watching its best" if self.follow_best else "Watch it")
        self.open_log.setEnabled(bool(self.watch.log))

    def _show_failure(self, sentence: str) -> None:
        self._suggest(sentence, problem=True)

    def _suggest(self, sentence: str, *, problem: bool) -> None:
        self.suggestion.setText(sentence)
        self.suggestion.setVisible(bool(sentence))
        mark_problem(self.suggestion, problem)

    # What the person does

    def _toggle_pause(self) -> None:
        if self.watch.standing.state == "paused":
            self.watch.go_on()
        else:
            self.watch.pause()

    def follow(self, on: bool) -> None:
        """Tell of each new best network from now on, or no more."""
        self.follow_best = on
        self._show_buttons()

    def _watch_it(self) -> None:
        self.follow(True)
        self.watch_requested.emit(str(self.watch.run.best_checkpoint))

    def _on_best(self, checkpoint: str) -> None:
        if self.follow_best:
            self.best_found.emit(checkpoint)


def _figures_of(record: RunRecord, *, active: bool) -> dict[str, str]:
    step = record.last_step
    memory = step.memory_gib if step is not None else None
    best = record.best
    return {
        "iteration": f"{record.iteration:,} / {record.iterations:,}".replace(",", "\u202f")
        if record.iterations
        else EN_DASH,
        "left": spell_time(record.seconds_left()) if active else EN_DASH,
        "pace": f"{step.clips_per_second:.1f}" if step is not None and active else EN_DASH,
        "memory": f"{memory:.2f} GiB" if memory is not None and math.isfinite(memory) else EN_DASH,
        "best": percent(max(values["top1"] for values in best.metrics.values()) if best else None),
    }


def _left_out(record: RunRecord) -> str:
    if not record.skipped:
        return ""
    name, reason = next(iter(record.skipped.items()))
    many = len(record.skipped)
    first = f"{name}: {reason}".rstrip(".")
    return f"1 video is left out: {first}." if many == 1 else f"{many} videos are left out, such as {first}."


def _button(text: str, tip: str, key: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(f"{tip} ({key})" if key else tip)
    if key:
        button.setShortcut(key)
    return button


def _open(path: object) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
