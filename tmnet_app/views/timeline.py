"""What was seen in a file, by time: a strip of colours under the seek bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.theme import GRID, contrast, line, muted, tabular

# Paul Tol's muted colours without those that are taken for a branch's.
CLASS_COLOURS = tuple(
    QColor(name) for name in ("#CC6677", "#DDCC77", "#AA4499", "#999933", "#7B6BD6", "#882255", "#B0785A", "#6F8FA8")
)
_OTHER = QColor("#8A8D93")
_STRIP = 18
_MARKS = 13
_KEY = 16
_SQUARE = 8


@dataclass(frozen=True)
class Span:
    """A stretch of the file in which one class leads: frames from `begin` to before `end`."""

    begin: int
    end: int
    index: int
    probability: float


@dataclass(frozen=True)
class Strip:
    """What the timeline shows.

    Attributes:
        frames: of the whole file.
        spans: who leads where, in order.
        best: the frame where the answer is surest, None where nothing has been seen.
        worst: the frame where it is least sure.
    """

    frames: int
    spans: Sequence[Span]
    best: int | None = None
    worst: int | None = None

    @property
    def marks(self) -> list[int]:
        """The frames that are marked."""
        return [frame for frame in (self.best, self.worst) if frame is not None]


class Timeline(QWidget):
    """Paints the strip; a click seeks, the pointer asks for a preview."""

    seek_requested = Signal(int)  # a frame's index
    pointed_at = Signal(int)  # a frame's index, -1 when the pointer leaves

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What was seen, by time")
        self.setToolTip(
            "What leads in each stretch of the file; the fainter, the less sure. \u25b2 best and \u25bc worst frame to "
            "glance at; thin lines part beginning, middle and ending. Click to go there."
        )
        self.setMouseTracking(True)
        self.setFixedHeight(_STRIP + _MARKS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(tabular(self.font(), scale=0.8))
        self._strip: Strip | None = None
        self._classes: Sequence[str] = ()
        self._colours: dict[int, QColor] = {}
        self._inset = 0.0
        self._has_key = False

    def sizeHint(self) -> QSize:
        """As wide as the slider above it."""
        return QSize(200, self.minimumHeight())

    def set_inset(self, pixels: float) -> None:
        """Leave so much room at both ends, as the slider's handle does."""
        self._inset = pixels
        self._fit()

    def show_strip(self, strip: Strip | None, classes: Sequence[str]) -> None:
        """Paint this from now on; None shows nothing."""
        self._strip, self._classes = strip, classes
        self._colours = _colours(strip.spans) if strip else {}
        self._fit()
        self.update()

    @property
    def strip(self) -> Strip | None:
        """What is painted."""
        return self._strip

    @property
    def key(self) -> list[str]:
        """The names below the strip, in the order of their colours; none where every stretch bears its own."""
        return [self._name(index) for index in self._colours] if self._has_key else []

    def colour(self, index: int) -> QColor:
        """Return the colour of a class: those that lead longest have one of their own."""
        return self._colours.get(index, _OTHER)

    def span_at(self, frame: int) -> Span | None:
        """Return the stretch that a frame lies in."""
        spans = self._strip.spans if self._strip else ()
        return next((span for span in spans if span.begin <= frame < span.end), None)

    def frame_at(self, x: float) -> int:
        """Return the frame that a place stands for."""
        frames = self._strip.frames if self._strip else 1
        width = max(1.0, self.width() - 2 * self._inset)
        return max(0, min(frames - 1, int((x - self._inset) / width * frames)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Add a key where names no longer fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Say below the strip whose colour is whose, where a stretch is too short for its name."""
        strip = self._strip
        area = self._area()
        self._has_key = strip is not None and any(
            not self._name_fits(span.index, (span.end - span.begin) / strip.frames * area.width())
            for span in strip.spans
        )
        self.setFixedHeight(_STRIP + _MARKS + (_KEY if self._has_key else 0))

    def _area(self) -> QRectF:
        return QRectF(self._inset, 0, self.width() - 2 * self._inset, _STRIP)

    def _name(self, index: int) -> str:
        return self._classes[index] if index < len(self._classes) else ""

    def _name_fits(self, index: int, width: float) -> bool:
        return QFontMetricsF(self.font()).horizontalAdvance(self._name(index)) <= width - GRID

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint stretches, marks and thirds."""
        painter = QPainter(self)
        strip = self._strip
        area = self._area()
        painter.fillRect(area, self.palette().color(QPalette.ColorRole.AlternateBase))
        if strip is not None and strip.frames:
            for span in strip.spans:
                self._paint_span(painter, area, span, strip.frames)
            self._paint_thirds(painter, area)
            for frame, up in ((strip.best, True), (strip.worst, False)):
                if frame is not None:
                    self._paint_mark(painter, self._x(area, frame + 0.5, strip.frames), up=up)
            if self._has_key:
                self._paint_key(painter, area)
        painter.end()

    def _x(self, area: QRectF, frame: float, frames: int) -> float:
        return area.left() + frame / frames * area.width()

    def _paint_span(self, painter: QPainter, area: QRectF, span: Span, frames: int) -> None:
        left, right = self._x(area, span.begin, frames), self._x(area, span.end, frames)
        place = QRectF(left, area.top(), max(1.0, right - left - 0.5), area.height())
        colour = QColor(self.colour(span.index))
        colour.setAlphaF(0.2 + 0.8 * span.probability)
        painter.fillRect(place, colour)
        if self._name_fits(span.index, right - left):
            painter.setPen(_ink(colour, self.palette().color(QPalette.ColorRole.AlternateBase)))
            painter.drawText(place.adjusted(GRID / 2, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._name(span.index))

    def _paint_key(self, painter: QPainter, area: QRectF) -> None:
        """Name the colours, those that lead longest first, as many as there is room for."""
        metrics = QFontMetricsF(self.font())
        spans = self._strip.spans if self._strip else ()
        others = any(span.index not in self._colours for span in spans)
        entries = [(colour, self._name(index)) for index, colour in self._colours.items()]
        x, top = area.left(), area.bottom() + _MARKS
        for colour, name in [*entries, *([(_OTHER, "others")] if others else [])]:
            width = metrics.horizontalAdvance(name)
            if x + _SQUARE + GRID / 2 + width > area.right():
                break
            painter.fillRect(QRectF(x, top + (_KEY - _SQUARE) / 2, _SQUARE, _SQUARE), colour)
            painter.setPen(muted(self.palette()))
            x += _SQUARE + GRID / 2
            painter.drawText(QRectF(x, top, width + 1, _KEY), Qt.AlignmentFlag.AlignVCenter, name)
            x += width + 1.5 * GRID

    def _paint_thirds(self, painter: QPainter, area: QRectF) -> None:
        """Mark where the middle begins and ends, and name the three where there is room."""
        painter.setPen(QPen(line(self.palette()), 1))
        thirds = [area.left() + area.width() * third / 3 for third in range(4)]
        for x in thirds[1:3]:
            painter.drawLine(QLineF(x, area.top(), x, area.bottom() + _MARKS))
        painter.setPen(muted(self.palette()))
        for begin, end, name in zip(thirds, thirds[1:], ("beginning", "middle", "ending"), strict=False):
            width = QFontMetricsF(self.font()).horizontalAdvance(name)
            left = self._clear_of_marks(area, begin + 2 * GRID, end - 2 * GRID, width)
            if left is not None:
                place = QRectF(left, area.bottom(), width, _MARKS)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, name)

    def _clear_of_marks(self, area: QRectF, begin: float, end: float, width: float) -> float | None:
        """Return where a name of this width begins that no mark covers, in the middle if it can; None for no room."""
        strip = self._strip
        if strip is None or width >= end - begin:
            return None
        marks = [self._x(area, frame + 0.5, strip.frames) for frame in strip.marks]
        for left in ((begin + end - width) / 2, begin, end - width):
            if not any(left - GRID < mark < left + width + GRID for mark in marks):
                return left
        return None

    def _paint_mark(self, painter: QPainter, x: float, *, up: bool) -> None:
        tip, foot = (_STRIP + 1, _STRIP + _MARKS - 1) if up else (_STRIP + _MARKS - 1, _STRIP + 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        role = QPalette.ColorRole.Highlight if up else QPalette.ColorRole.BrightText
        painter.setBrush(self.palette().color(role))
        painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - 4.5, foot), QPointF(x + 4.5, foot)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the frame clicked; a mark that is close by draws the click to its frame."""
        strip = self._strip
        x, y = event.position().x(), event.position().y()
        if strip is None or event.button() != Qt.MouseButton.LeftButton or y > _STRIP + _MARKS:
            return
        area = self._area()
        if y > _STRIP:
            near = [frame for frame in strip.marks if abs(self._x(area, frame + 0.5, strip.frames) - x) <= 6]
            if near:
                self.seek_requested.emit(near[0])
                return
        self.seek_requested.emit(self.frame_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Ask for a preview."""
        if self._strip is not None:
            self.pointed_at.emit(self.frame_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        """Ask for none."""
        self.pointed_at.emit(-1)


def _ink(colour: QColor, ground: QColor) -> QColor:
    """Return black or white, whichever can be read on a see-through colour over the ground."""
    share = colour.alphaF()
    above, below = (colour.redF(), colour.greenF(), colour.blueF()), (ground.redF(), ground.greenF(), ground.blueF())
    mixed = QColor.fromRgbF(*(share * a + (1 - share) * b for a, b in zip(above, below, strict=True)))
    return max((QColor("#141517"), QColor("#FFFFFF")), key=lambda ink: contrast(ink, mixed))


def _colours(spans: Sequence[Span]) -> dict[int, QColor]:
    """Give the classes that lead longest a colour each."""
    lengths: dict[int, int] = {}
    for span in spans:
        lengths[span.index] = lengths.get(span.index, 0) + span.end - span.begin
    ranked = sorted(lengths, key=lambda index: (-lengths[index], index))
    return dict(zip(ranked, CLASS_COLOURS, strict=False))
