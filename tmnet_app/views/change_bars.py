"""How probabilities change when something is taken away: before and after, by class and branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID, line, muted, tabular
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch

_ROW = 30
_MOST = 5
_BRANCHES = (Branch.RB, Branch.CB)


class ChangeBars(QWidget):
    """For each class a bar of RB and one of CB: filled what it is now, a stroke where it was before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Change of the probabilities")
        self.setToolTip("Bars: without what is painted over. Strokes: with it. RB above, CB below")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(2 * _ROW)
        self.setFont(tabular(self.font(), scale=0.9))
        self._classes: Sequence[str] = ()
        self._before: Mapping[Branch, FloatArray] = {}
        self._after: Mapping[Branch, FloatArray] = {}
        self._order: Sequence[int] = ()

    def sizeHint(self) -> QSize:
        """Three classes."""
        return QSize(200, 3 * _ROW)

    def show_change(
        self,
        classes: Sequence[str],
        order: Sequence[int],
        before: Mapping[Branch, FloatArray],
        after: Mapping[Branch, FloatArray],
    ) -> None:
        """Paint these from now on; `order` are the classes from above."""
        self._classes, self._order, self._before, self._after = classes, order, before, after
        self.setAccessibleDescription(self.text())
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.show_change((), (), {}, {})

    def after(self, branch: Branch, index: int) -> float:
        """Return a class's probability without what was taken away."""
        return float(self._after[branch][index])

    def text(self) -> str:
        """Return the first class's change in words."""
        if not self._order:
            return ""
        first = self._order[0]
        parts = [
            f"{branch} {self._before[branch][first]:.2f} to {self._after[branch][first]:.2f}"
            for branch in _BRANCHES
            if branch in self._after
        ]
        return f"{self._classes[first]}: {', '.join(parts)}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that fit."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rows = min(_MOST, self.height() // _ROW, len(self._order))
        for place in range(rows):
            self._paint_row(painter, place * _ROW, self._order[place])
        painter.end()

    def _paint_row(self, painter: QPainter, top: float, index: int) -> None:
        metrics = QFontMetricsF(self.font())
        name_width = min(0.34 * self.width(), 150.0)
        numbers = metrics.horizontalAdvance("0.00 \u2192 0.00")
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        name = metrics.elidedText(self._classes[index], Qt.TextElideMode.ElideRight, name_width - GRID)
        painter.drawText(QRectF(0, top, name_width, _ROW), Qt.AlignmentFlag.AlignVCenter, name)
        left, right = name_width, self.width() - numbers - GRID
        for place, branch in enumerate(_BRANCHES):
            if branch not in self._after:
                continue
            before, after = float(self._before[branch][index]), float(self._after[branch][index])
            middle = top + 8 + 13 * place
            track = QRectF(left, middle - 3, max(1.0, right - left), 6)
            painter.fillRect(track, line(self.palette()))
            painter.fillRect(QRectF(track.left(), track.top(), after * track.width(), 6), BRANCH_COLOURS[branch])
            self._paint_stroke(painter, track.left() + before * track.width(), middle)
            painter.setPen(muted(self.palette()))
            area = QRectF(self.width() - numbers, middle - 7, numbers, 14)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, f"{before:.2f} \u2192 {after:.2f}")

    def _paint_stroke(self, painter: QPainter, x: float, middle: float) -> None:
        for colour, width in ((self.palette().color(QPalette.ColorRole.Base), 4), (self._ink(), 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QLineF(x, middle - 5, x, middle + 5))

    def _ink(self) -> QColor:
        return self.palette().color(QPalette.ColorRole.Text)
