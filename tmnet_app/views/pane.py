"""A picture with its title: who looks, and what it says."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from tmnet_app.theme import BRANCH_COLOURS, GRID, branch_text, muted, tabular
from tmnet_app.views.picture_view import PictureView
from tmnet_core.models.branch import Branch

TITLE_HEIGHT = 28
_TEXT_EVERY = 0.25


class Pane(QWidget):
    """One picture view under one line of text."""

    def __init__(
        self, view: PictureView, name: str, role: str, branch: Branch | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.view = view
        self.branch = branch
        self.title = PaneTitle(name, role, branch)
        view.setAccessibleName(f"{name}: {role}" if role else name)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.title)
        layout.addWidget(view, 1)


class PaneTitle(QWidget):
    """Name and role on the left; on the right a text and, at a fixed place, a number."""

    double_clicked = Signal()

    def __init__(self, name: str, role: str, branch: Branch | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._role, self._branch = name, role, branch
        self._text = self._number = ""
        self._written = -math.inf
        self.setFixedHeight(TITLE_HEIGHT)

    def rename(self, name: str, role: str) -> None:
        """Say that the picture shows something else."""
        if (name, role) != (self._name, self._role):
            self._name, self._role = name, role
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Tell of it."""
        self.double_clicked.emit()

    @property
    def name(self) -> str:
        """What the picture is called."""
        return self._name

    @property
    def answer(self) -> str:
        """What stands on the right."""
        return f"{self._text} {self._number}".strip()

    def show_answer(self, text: str, number: str, now: float, *, still: bool = False) -> None:
        """Change the right side, at most four times a second while the picture moves."""
        if not still and now - self._written < _TEXT_EVERY:
            return
        self._written = now
        if (text, number) != (self._text, self._number):
            self._text, self._number = text, number
            self.setAccessibleName(f"{self._name}: {self.answer}")
            self.update()

    def enlarge(self, scale: float) -> None:
        """Set larger text, for a room."""
        font = QFont()
        font.setPointSizeF(font.pointSizeF() * scale)
        self.setFont(font)
        self.setFixedHeight(round(TITLE_HEIGHT * scale))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line; the role gives way first where it is narrow, then the text."""
        painter = QPainter(self)
        normal, bold = tabular(self.font()), tabular(self.font(), bold=True)
        metrics, bold_metrics = QFontMetricsF(normal), QFontMetricsF(bold)
        left = self._paint_name(painter, bold, bold_metrics)
        right = self.width() - GRID / 2
        if self._number:
            right -= bold_metrics.horizontalAdvance("0.00")
            self._paint(painter, bold, self._colour(), right, self.width() - GRID / 2, self._number, right_aligned=True)
            right -= GRID
        text = metrics.elidedText(self._text, Qt.TextElideMode.ElideRight, max(0.0, right - left - GRID))
        self._paint(painter, normal, self._colour(), left, right, text, right_aligned=True)
        role_room = right - metrics.horizontalAdvance(text) - 2 * GRID - left
        if metrics.horizontalAdvance(self._role) <= role_room:
            self._paint(painter, normal, muted(self.palette()), left, right, self._role)
        painter.end()

    def _paint_name(self, painter: QPainter, font: QFont, metrics: QFontMetricsF) -> float:
        left = GRID / 2
        if self._branch is not None:
            side = metrics.capHeight() + 2
            painter.fillRect(QRectF(left, (self.height() - side) / 2, side, side), BRANCH_COLOURS[self._branch])
            left += side + GRID
        self._paint(painter, font, self._colour(), left, self.width(), self._name)
        return left + metrics.horizontalAdvance(self._name) + GRID

    def _colour(self) -> QColor:
        if self._branch is None:
            return self.palette().color(QPalette.ColorRole.Text)
        return branch_text(self._branch, self.palette())

    def _paint(
        self,
        painter: QPainter,
        font: QFont,
        colour: QColor,
        left: float,
        right: float,
        text: str,
        *,
        right_aligned: bool = False,
    ) -> None:
        side = Qt.AlignmentFlag.AlignRight if right_aligned else Qt.AlignmentFlag.AlignLeft
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(QRectF(left, 0, right - left, self.height()), side | Qt.AlignmentFlag.AlignVCenter, text)
