"""What a data set holds: its classes and their counts, how long its clips are, some frames, and what is wrong."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, line, muted, tabular
from tmnet_app.training.fields import in_form_words
from tmnet_app.training.scrolling import scrolled
from tmnet_core.attention.classes import shown_name
from tmnet_core.data.preview import ClassCount, DatasetPreview, SampleFrame

_NOTHING = "Choose a folder, and see here what is in it before anything starts."
_THUMB = QSize(112, 84)
_ROW = 3 * GRID


class PreviewView(QWidget):
    """Shows a DatasetPreview."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What the data holds")
        self.summary = QLabel(_NOTHING)
        self.summary.setWordWrap(True)
        self.summary.setFont(tabular(self.font(), scale=1.1, bold=True))
        self.problems = QLabel()
        self.problems.setWordWrap(True)
        self.problems.setProperty("problem", True)
        self.problems.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problems.hide()
        self.counts = ClassCounts()
        self._thumbs: list[QWidget] = []
        self._samples = QGridLayout()
        self._samples.setSpacing(GRID)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(2 * GRID)
        column.addWidget(self.counts)
        column.addLayout(self._samples)
        column.addStretch(1)
        scroll = scrolled(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.summary)
        layout.addWidget(self.problems)
        layout.addWidget(scroll, 1)

    def show_nothing(self) -> None:
        """Say what will be shown here."""
        self.show_preview(DatasetPreview())
        self.summary.setText(_NOTHING)

    def show_looking(self) -> None:
        """Say that the answer is to come."""
        self.summary.setText("Looking into the data …")

    def show_preview(self, preview: DatasetPreview) -> None:
        """Show what was found."""
        self.summary.setText(summarise(preview))
        self.problems.setText("\n".join(f"• {in_form_words(problem)}" for problem in preview.problems))
        self.problems.setVisible(bool(preview.problems))
        self.counts.show_counts(preview.classes)
        while (item := self._samples.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._thumbs = [_thumbnail(sample) for sample in preview.samples]
        self._place_samples()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place as many frames side by side as there is room for."""
        super().resizeEvent(event)
        self._place_samples()

    def _place_samples(self) -> None:
        columns = max(1, (self.width() - 2 * GRID) // (_THUMB.width() + GRID))
        for number, thumb in enumerate(self._thumbs):
            self._samples.addWidget(thumb, number // columns, number % columns)


def summarise(preview: DatasetPreview) -> str:
    """Return what a data set is in one sentence."""
    if not preview.usable:
        return "This cannot be trained on yet."
    training, validation = preview.videos
    parts = [f"{len(preview.classes)} classes", f"{training} clips to learn from", f"{validation} to validate on"]
    if preview.lengths:
        shortest, longest = preview.lengths[0], preview.lengths[-1]
        middle = preview.lengths[len(preview.lengths) // 2]
        parts.append(
            f"{shortest} to {longest} frames long, mostly {middle}" if shortest < longest else f"{middle} frames long"
        )
    return " · ".join(parts)


class ClassCounts(QWidget):
    """One row a class: its name, a bar of its training and validation clips, and the two numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Clips of each class")
        self.setToolTip("Clips to learn from, filled, and clips kept for validation, outlined")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._counts: tuple[ClassCount, ...] = ()

    def show_counts(self, counts: tuple[ClassCount, ...]) -> None:
        """Show other classes."""
        self._counts = counts
        self.setFixedHeight(math.ceil(len(counts) / self._columns()) * _ROW)
        words = (f"{count.name}: {count.training} and {count.validation}" for count in counts)
        self.setAccessibleDescription("; ".join(words))
        self.update()

    def _columns(self) -> int:
        return 2 if len(self._counts) > 8 else 1

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, in two columns where they are many."""
        if not self._counts:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular(self.font()))
        columns = self._columns()
        rows = math.ceil(len(self._counts) / columns)
        width = self.width() / columns
        most = max(count.training + count.validation for count in self._counts)
        for number, count in enumerate(self._counts):
            area = QRectF(number // rows * width, number % rows * _ROW, width - 2 * GRID, _ROW)
            self._paint_row(painter, area, count, most)
        painter.end()

    def _paint_row(self, painter: QPainter, area: QRectF, count: ClassCount, most: int) -> None:
        name = QRectF(area.left(), area.top(), 0.36 * area.width(), area.height())
        numbers = QRectF(area.right() - 9 * GRID, area.top(), 9 * GRID, area.height())
        left, right = name.right() + GRID, numbers.left() - GRID
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(shown_name(count.name), Qt.TextElideMode.ElideRight, int(name.width()))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(name, middle | Qt.AlignmentFlag.AlignLeft, text)
        painter.setPen(muted(self.palette()))
        painter.drawText(numbers, middle | Qt.AlignmentFlag.AlignRight, f"{count.training} + {count.validation}")
        scale = max(0.0, right - left) / max(1, most)
        bar = QRectF(left, area.center().y() - 4, count.training * scale, 8)
        kept = QRectF(bar.right() + 1, bar.top(), count.validation * scale, 8)
        painter.fillRect(bar, self.palette().color(QPalette.ColorRole.Highlight))
        painter.setPen(line(self.palette()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(kept.adjusted(0.5, 0.5, -0.5, -0.5))


def _thumbnail(sample: SampleFrame) -> QWidget:
    picture = sample.picture
    height, width = picture.shape[:2]
    image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    pixmap = QPixmap.fromImage(image).scaled(
        _THUMB, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    view, caption = QLabel(), QLabel(shown_name(sample.class_name))
    view.setPixmap(pixmap)
    view.setToolTip(sample.video)
    view.setAccessibleName(f"A frame of {sample.class_name}")
    caption.setProperty("muted", True)
    caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(view)
    layout.addWidget(caption)
    return box
