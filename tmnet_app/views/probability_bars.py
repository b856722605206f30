"""The top classes, each with a bar for RB, CB and RB+CB."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID, branch_text, line, muted, tabular
from tmnet_core.live.frames import FloatArray
from tmnet_core.live.readout import MOST_CLASSES, Readout
from tmnet_core.models.branch import Branch

EN_DASH = "–"
_TEXT_EVERY = 0.25
_EASE = 0.12
_FEWEST = 3
_NAME_WIDTH = 176.0
# The best of K classes always has 1 / K; half as much again is little more than a guess.
_OVER_CHANCE = 1.5
# Of one or two classes the best can still be sure.
_SURE = 0.99


class ProbabilityBars(QWidget):
    """Shows probabilities so that they can be read: bars ease, text and order hold still for a while.

    `class_pinned` carries the index of the class whose row was clicked, or -1 when its pin was taken off.
    """

    class_pinned = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What it sees")
        self._classes: Sequence[str] = ()
        self._branches: Sequence[Branch] = ()
        self._order: Sequence[int] = ()
        self._target: dict[Branch, FloatArray] = {}
        self._answer = Branch.FUSED
        self._drawn: dict[Branch, FloatArray] = {}
        self._text_time = self._ease_time = -math.inf
        self._unsure = 0.0
        self._pinned = -1
        self._rows = [ClassRow(self) for _ in range(MOST_CLASSES)]
        self.headline = QLabel(EN_DASH)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.headline.setFont(tabular(self.font(), scale=1.6, bold=True))
        self.headline.setFixedHeight(5 * GRID)
        self.headline.setToolTip(
            "The class that leads in RB+CB, or in the only branch there is; another one must lead by far, "
            "or for half a second"
        )
        self.headline.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout.addWidget(self.headline)
        for row in self._rows:
            layout.addWidget(row)
            row.clicked.connect(self._toggle_pin)
        layout.addStretch(1)
        layout.addWidget(_Key(self))
        self._show_rows()

    def set_classes(self, classes: Sequence[str], branches: Sequence[Branch]) -> None:
        """Begin with another model."""
        self._classes, self._branches = classes, branches
        self.pin(-1)
        self.clear()
        self._show_rows()

    def set_unsure(self, threshold: float) -> None:
        """Call answers below this probability unsure, and those below 1.5 / K of K classes; 0: none."""
        self._unsure = threshold
        self._text_time = -math.inf

    def clear(self) -> None:
        """Show no answer."""
        self._order = ()
        self._target, self._drawn = {}, {}
        self._text_time = self._ease_time = -math.inf
        self.headline.setText(EN_DASH)
        for row in self._rows:
            row.show_class(-1, "", {}, {}, False)

    @property
    def pinned(self) -> int:
        """The class whose attention is to be shown, -1 for each branch's own top class."""
        return self._pinned

    def pin(self, index: int) -> None:
        """Pin a class, or none with -1."""
        if index != self._pinned:
            self._pinned = index
            self.class_pinned.emit(index)

    @property
    def order(self) -> Sequence[int]:
        """Indices of the top classes, from above; the rows show as many as there is room for."""
        return self._order

    def show_readout(self, readout: Readout, answer: Branch, now: float, *, still: bool) -> None:
        """Take new values; `answer` leads, `still` says that they are of a picture that does not move."""
        self._target, self._answer, self._order = dict(readout.probabilities), answer, readout.order
        if still or self._drawn.keys() != self._target.keys():
            self._drawn = dict(self._target)
        self._draw_rows()
        if still or now - self._text_time >= _TEXT_EVERY:
            self._text_time = now
            self._write()

    def ease(self, now: float) -> None:
        """Move the bars on towards their values."""
        elapsed, self._ease_time = now - self._ease_time, now
        weight = -math.expm1(-max(elapsed, 0.0) / _EASE)
        if not self._target or all(np.allclose(self._drawn[b], self._target[b], atol=5e-4) for b in self._target):
            return
        self._drawn = {b: drawn + (self._target[b] - drawn) * weight for b, drawn in self._drawn.items()}
        self._draw_rows()

    def bar(self, branch: Branch, index: int) -> float:
        """Return how long a bar is drawn, from 0 to 1."""
        return float(self._drawn[branch][index])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many rows as fit."""
        super().resizeEvent(event)
        self._show_rows()
        if self._target:
            # A paused video sends nothing new that would fill the rows that have come into sight.
            self._draw_rows()
            self._write()

    def _row_count(self) -> int:
        room = self.height() - self.headline.height() - 4 * GRID
        return max(_FEWEST, min(MOST_CLASSES, room // self._rows[0].sizeHint().height()))

    def _show_rows(self) -> None:
        count = min(self._row_count(), len(self._classes) or MOST_CLASSES)
        for place, row in enumerate(self._rows):
            row.setVisible(place < count)

    def _write(self) -> None:
        values = self._target[self._answer]
        best = self._order[0]
        text = f"{self._classes[best]}  {values[best]:.2f}"
        self.headline.setText(f"Unsure · {text}" if values[best] < self._least_sure(len(values)) else text)
        for row, index in zip(self._rows, self._places(), strict=False):
            row.show_text(index, {branch: f"{values[index]:.2f}" for branch, values in self._target.items()})

    def _least_sure(self, classes: int) -> float:
        return max(self._unsure, min(_OVER_CHANCE / classes, _SURE)) if self._unsure else 0.0

    def _places(self) -> list[int]:
        """Return the classes by row; a pinned class that has fallen out keeps the last row."""
        places = list(self._order[: self._row_count()])
        if self._pinned >= 0 and places and self._pinned not in places:
            places[-1] = self._pinned
        return places

    def _draw_rows(self) -> None:
        for row, index in zip(self._rows, self._places(), strict=False):
            lengths = {branch: float(values[index]) for branch, values in self._drawn.items()}
            texts = {branch: f"{float(values[index]):.2f}" for branch, values in self._target.items()}
            row.show_class(index, self._classes[index], lengths, texts, index == self._pinned)

    def _toggle_pin(self) -> None:
        row = self.sender()
        if isinstance(row, ClassRow) and row.index >= 0:
            self.pin(-1 if row.index == self._pinned else row.index)
            self._draw_rows()


class ClassRow(QAbstractButton):
    """One class: its name and three bars, told apart by place, colour and the key below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = -1
        self._lengths: Mapping[Branch, float] = {}
        self._texts: Mapping[Branch, str] = {}
        self._pinned = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(tabular(self.font()))
        self.setAccessibleName("No class")
        self.setToolTip("Click to see where the branches look for this class; click again for their own top classes")

    def sizeHint(self) -> QSize:
        """Three lines of small text."""
        return QSize(200, 42)

    def show_class(
        self, index: int, name: str, lengths: Mapping[Branch, float], texts: Mapping[Branch, str], pinned: bool
    ) -> None:
        """Draw this class; a row that changes its class takes its numbers at once, else they wait for `show_text`."""
        if index != self.index or index < 0:
            self._texts = texts
        self.index, self._lengths, self._pinned = index, lengths, pinned
        self.setText(name)
        self.update()

    def show_text(self, index: int, texts: Mapping[Branch, str]) -> None:
        """Change the numbers of the class that the row shows."""
        if index == self.index:
            self._texts = texts
            spoken = ", ".join(f"{branch} {text}" for branch, text in texts.items())
            self.setAccessibleName(f"{self.text()}: {spoken}" if spoken else self.text())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint name, bars and numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.index >= 0:
            self._paint_background(painter)
            metrics = QFontMetricsF(self.font())
            name_width = min(self.width() * 0.4, _NAME_WIDTH)
            name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, name_width - 2 * GRID)
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            painter.drawText(QRectF(GRID, 0, name_width, self.height()), Qt.AlignmentFlag.AlignVCenter, name)
            self._paint_bars(painter, name_width, metrics.horizontalAdvance("0.00"))
        painter.end()

    def _paint_background(self, painter: QPainter) -> None:
        palette = self.palette()
        area = QRectF(self.rect()).adjusted(1, 2, -1, -2)
        if self._pinned or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.AlternateBase))
            painter.drawRoundedRect(area, 6, 6)
        if self.hasFocus() or self._pinned:
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 2 if self.hasFocus() else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 6, 6)

    def _paint_bars(self, painter: QPainter, left: float, number_width: float) -> None:
        right = self.width() - number_width - 2 * GRID
        pitch = (self.height() - GRID) / 3
        for place, branch in enumerate(Branch):
            top = GRID / 2 + place * pitch
            middle = top + pitch / 2
            track = QRectF(left, middle - 3, right - left, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            if branch in self._lengths:
                painter.setBrush(line(self.palette()))
                painter.drawRoundedRect(track, 3, 3)
                painter.setBrush(BRANCH_COLOURS[branch])
                bar = QRectF(track.topLeft(), QPointF(left + self._lengths[branch] * track.width(), track.bottom()))
                painter.drawRoundedRect(bar, min(3, bar.width() / 2), 3)
            self._paint_number(painter, branch, QRectF(right + GRID, top, number_width, pitch))

    def _paint_number(self, painter: QPainter, branch: Branch, area: QRectF) -> None:
        fused = branch is Branch.FUSED
        painter.setPen(self.palette().color(QPalette.ColorRole.Text) if fused else muted(self.palette()))
        font = tabular(self.font(), scale=0.85, bold=fused)
        painter.setFont(font)
        painter.drawText(
            area,
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip,
            self._texts.get(branch, EN_DASH),
        )
        painter.setFont(self.font())


class _Key(QWidget):
    """Says which colour is whose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(3 * GRID)
        self.setAccessibleName("Key: from above RB, CB and RB+CB")
        self.setToolTip(
            "RB: regression branch, which imagines the clip from one frame. CB: classification branch, which sees "
            "the frame as it is. RB+CB: both together."
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint three squares with their names."""
        painter = QPainter(self)
        x = float(GRID)
        metrics = QFontMetricsF(self.font())
        for branch in Branch:
            painter.fillRect(QRectF(x, self.height() / 2 - 5, 10, 10), BRANCH_COLOURS[branch])
            painter.setPen(branch_text(branch, self.palette()))
            painter.drawText(QRectF(x + 16, 0, 100, self.height()), Qt.AlignmentFlag.AlignVCenter, branch.value)
            x += 16 + metrics.horizontalAdvance(branch.value) + 2 * GRID
        painter.end()
