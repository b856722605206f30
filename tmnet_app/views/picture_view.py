"""One frame, painted as large as its place allows, with the box that the network sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.tint import Tint
from tmnet_core.data.preprocessing import Box, Image, Placement
from tmnet_core.live.frames import Frame
from tmnet_core.opencv import cv2

_DIM = QColor(0, 0, 0, 96)
_OUTLINE = QColor(255, 255, 255, 190)
_ZOOM_A_NOTCH = 1.25
_BRUSHES = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)


@dataclass(frozen=True, eq=False)
class ScaledFrame:
    """A part of a frame at the size it is painted; `image` lies over `pixels` without a copy: both live together."""

    frame: Frame
    size: tuple[int, int]
    part: Box
    pixels: npt.NDArray[np.uint8]
    image: QImage


class FrameScaler:
    """Scales a frame once for all panes of one size, to the four bytes a pixel that Qt paints fastest, and dims it."""

    def __init__(self) -> None:
        self._last: ScaledFrame | None = None
        self._dimmed: tuple[ScaledFrame, QPointF, QRectF, QImage] | None = None

    def scaled(self, frame: Frame, size: tuple[int, int], part: Box | None = None) -> ScaledFrame:
        """Return the frame, or a part of it, at (width, height) in device pixels."""
        height, width = frame.image.shape[:2]
        part = part or Box(0, 0, width, height)
        last = self._last
        if last is None or last.frame is not frame or last.size != size or last.part != part:
            last = self._last = _scale(frame, size, part)
        return last

    def dimmed(self, scaled: ScaledFrame, place: QPointF, area: QRectF, box: QRectF) -> QImage:
        """Return a scaled frame whose upper left corner lies at `place`, as `dim_around` leaves it."""
        last = self._dimmed
        if last is None or last[0] is not scaled or last[1] != place or last[2] != box:
            image = scaled.image.copy()
            painter = QPainter(image)
            painter.translate(-place)
            dim_around(painter, area, box)
            painter.end()
            last = self._dimmed = scaled, place, box, image
        return last[3]


def _scale(frame: Frame, size: tuple[int, int], part: Box) -> ScaledFrame:
    seen = frame.image[part.top : part.bottom, part.left : part.right]
    shrinks = size[0] < part.width
    resized = _shrink(seen, size) if shrinks else cv2.resize(seen, size, interpolation=cv2.INTER_CUBIC)
    pixels = np.asarray(cv2.cvtColor(resized, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    image = QImage(pixels.data, *size, pixels.strides[0], QImage.Format.Format_RGB32)
    return ScaledFrame(frame, size, part, pixels, image)


def _shrink(seen: Image, size: tuple[int, int]) -> Image:
    """Average over whole pixels first: averaging over parts of pixels is ten times slower, and the eye sees no less."""
    height, width = seen.shape[:2]
    step = min(width // size[0], height // size[1])
    if step > 1:
        # What does not fill a step is less than a pixel of the result.
        whole = seen[: height - height % step, : width - width % step]
        seen = cv2.resize(whole, (width // step, height // step), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return cv2.resize(seen, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


class PictureView(QWidget):
    """Paints the newest frame it was given; `painted` tells that it has reached the screen's back buffer.

    The wheel zooms, dragging pans, a double click shows the whole picture again: all views of one `link` alike.
    """

    painted = Signal(float)  # when the frame was captured, by time.perf_counter()

    def __init__(
        self, scaler: FrameScaler | None = None, link: LinkedView | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")
        self._frame: Frame | None = None
        self._placement: Placement | None = None
        self._words = ""
        self._scaler = scaler or FrameScaler()
        self._scaled: ScaledFrame | None = None
        self._dragged: QPointF | None = None
        self.setMouseTracking(True)
        self.link = link or LinkedView(self)
        self.link.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """A picture of 320×240."""
        return QSize(320, 240)

    def show_frame(self, frame: Frame, placement: Placement) -> None:
        """Paint this frame from now on; the placement says what the network sees and whether it is mirrored."""
        self._frame, self._placement = frame, placement
        self.update()

    def say(self, words: str) -> None:
        """Put words over the picture, where something is missing; an empty text takes them away."""
        if words != self._words:
            self._words = words
            self.update()

    @property
    def words(self) -> str:
        """What is written over the picture."""
        return self._words

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint frame, box and words."""
        painter = QPainter(self)
        frame, placement = self._frame, self._placement
        if frame is not None and placement is not None:
            fitted = self.picture_area(*placement.frame_size)
            area = self.link.zoomed(fitted, mirrored=placement.mirror)
            painter.save()
            painter.setClipRect(fitted)
            if placement.mirror:
                painter.translate(fitted.left() + fitted.right(), 0)
                painter.scale(-1, 1)
            self._paint_frame(painter, frame, area, fitted, placement)
            self._paint_over(painter, area, placement)
            painter.resetTransform()
            self._paint_signs(painter, fitted)
            painter.restore()
            self.painted.emit(frame.captured)
        if self._words:
            self._paint_words(painter)
        painter.end()

    def picture_area(self, width: int, height: int) -> QRectF:
        """Return where a frame of this size is painted: centred, whole, in its own aspect."""
        scale = min(self.width() / width, self.height() / height)
        size = round(width * scale), round(height * scale)
        return QRectF((self.width() - size[0]) // 2, (self.height() - size[1]) // 2, *size)

    def _tints(self) -> list[Tint]:
        """Return what is laid over the frame itself, below the dimming."""
        return [] if self.link.region is None else [self.link.region]

    def _paint_over(self, painter: QPainter, area: QRectF, placement: Placement) -> None:
        """Paint what lies over the frame and is mirrored with it."""

    def _paint_signs(self, painter: QPainter, area: QRectF) -> None:
        """Paint what is not mirrored with the picture: a cross where the pointer is, in this view or another."""
        place = self._pointed_at(area)
        if place is None:
            return
        x, y = place.x(), place.y()
        for colour, width in ((QColor(0, 0, 0, 160), 3), (QColor(255, 255, 255), 1)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x - 6, y), QPointF(x + 6, y))
            painter.drawLine(QPointF(x, y - 6), QPointF(x, y + 6))

    def _pointed_at(self, area: QRectF) -> QPointF | None:
        """Return where on the widget the pointer of this or another view is."""
        pointer, whole = self.link.pointer, self.link.zoomed(area)
        if pointer is None:
            return None
        return QPointF(whole.left() + pointer.x() * whole.width(), whole.top() + pointer.y() * whole.height())

    def _paint_frame(self, painter: QPainter, frame: Frame, area: QRectF, fitted: QRectF, placement: Placement) -> None:
        """Paint the frame, dimmed where the network does not see it; what is painted over it is tinted."""
        ratio = self.devicePixelRatioF()
        height, width = frame.image.shape[:2]
        part = _visible(area, fitted, width, height)
        across, down = area.width() / width, area.height() / height
        size = max(1, round(part.width * across * ratio)), max(1, round(part.height * down * ratio))
        self._scaled = self._scaler.scaled(frame, size, part)
        self._scaled.image.setDevicePixelRatio(ratio)
        place = QPointF(area.left() + part.left * across, area.top() + part.top * down)
        box, tints = box_area(area, placement), self._tints()
        if not tints and not placement.mirror and place * ratio == (place * ratio).toPoint():
            # Pixel for pixel the same in all views of this size: the first one's work serves them all.
            painter.drawImage(place, self._scaler.dimmed(self._scaled, place, area, box))
            return
        painter.drawImage(place, self._scaled.image)
        for tint in tints:
            tint.paint(painter, area)
        dim_around(painter, area, box)

    def _paint_words(self, painter: QPainter) -> None:
        if self._frame is not None:
            painter.fillRect(self.rect(), QColor(0, 0, 0, 150))
            painter.setPen(QColor("#E8E9EB"))
        else:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        area = self.rect().adjusted(16, 16, -16, -16)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)

    # Zooming and pointing

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        place = self._place(event.position())
        if place is not None and event.angleDelta().y():
            self.link.zoom_at(place, _ZOOM_A_NOTCH ** (event.angleDelta().y() / 120))
            event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag, or a stroke of paint."""
        if self.link.brushing and event.button() in _BRUSHES:
            self._brush(event, event.button(), begins=True)
        elif event.button() == Qt.MouseButton.LeftButton and self.link.zoom > 1.0:
            self._dragged = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, paint, or point at a place in all views."""
        if self._dragged is not None:
            moved, self._dragged = event.position() - self._dragged, event.position()
            area = self._fitted()
            self.link.pan(moved.x() / area.width(), moved.y() / area.height())
        elif self.link.brushing:
            for button in _BRUSHES:
                if event.buttons() & button:
                    self._brush(event, button, begins=False)
        self.link.point_at(self._place(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragged = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole picture again."""
        self.link.reset()

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self.link.point_at(None)

    def _brush(self, event: QMouseEvent, button: Qt.MouseButton, *, begins: bool) -> None:
        place = self._place(event.position())
        if place is not None:
            self.link.brushed.emit(place, button == Qt.MouseButton.LeftButton, begins)

    def _fitted(self) -> QRectF:
        size = (1, 1) if self._placement is None else self._placement.frame_size
        return self.picture_area(*size)

    def _place(self, point: QPointF) -> QPointF | None:
        return None if self._placement is None else self.link.place(point, self._fitted())


def _visible(area: QRectF, fitted: QRectF, width: int, height: int) -> Box:
    """Return the smallest box of the frame's pixels that covers what is visible of a picture painted in `area`."""
    across, down = width / area.width(), height / area.height()
    seen = fitted.intersected(area)
    return Box(
        max(0, int((seen.left() - area.left()) * across)),
        max(0, int((seen.top() - area.top()) * down)),
        min(width, max(1, ceil((seen.right() - area.left()) * across - 1e-6))),
        min(height, max(1, ceil((seen.bottom() - area.top()) * down - 1e-6))),
    )


def dim_around(painter: QPainter, area: QRectF, box: QRectF) -> None:
    """Dim a picture in `area` outside the box that the network sees, and outline it; not where it sees everything."""
    if box.width() >= area.width() - 1 and box.height() >= area.height() - 1:
        return
    inner = QRectF(box.toRect())
    left, right = inner.left() - area.left(), area.right() - inner.right()
    # Four rectangles: filling a path with a hole takes ten times as long.
    for strip in (
        QRectF(area.left(), area.top(), area.width(), inner.top() - area.top()),
        QRectF(area.left(), inner.bottom(), area.width(), area.bottom() - inner.bottom()),
        QRectF(area.left(), inner.top(), left, inner.height()),
        QRectF(inner.right(), inner.top(), right, inner.height()),
    ):
        painter.fillRect(strip, _DIM)
    painter.setPen(QPen(_OUTLINE, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(inner.adjusted(0, 0, -1, -1))


def box_area(area: QRectF, placement: Placement) -> QRectF:
    """Return where the network's box lies in the painted picture."""
    width, height = placement.frame_size
    across, down = area.width() / width, area.height() / height
    box = placement.box
    return QRectF(area.left() + box.left * across, area.top() + box.top * down, box.width * across, box.height * down)
