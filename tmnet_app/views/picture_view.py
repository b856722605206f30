"""One frame, painted as large as its place allows, with the box that the network sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from math import ceil

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
from tmnet_core.scratch import Scratch

_DIM = QColor(0, 0, 0, 96)
_OUTLINE = QColor(255, 255, 255, 190)
_ZOOM_A_NOTCH = 1.25
_BRUSHES = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a picture lies on a widget.

    Attributes:
        fitted: the part of the widget that it fills.
        area: where all of it lies, beyond `fitted` where it is zoomed.
        ratio: device pixels of the widget's pixels.
    """

    fitted: QRectF
    area: QRectF
    ratio: float


class _Room:
    """Memory that one frame after another is scaled in: fresh pages for each would take longer than the scaling."""

    def __init__(self) -> None:
        self.halves, self.scaled, self.painted = (Scratch(), Scratch()), Scratch(), Scratch()


class ScaledFrame:
    """What is seen of a frame at the size it is painted, for all views of one layout; until the room's next frame.

    Attributes:
        dims: whether it is dimmed already where the network does not see it.
        place: where its upper left corner is painted.
        image: it lies over `pixels`, memory of the room, without a copy: both live together.
        box: where the network's box lies in the picture.
        fills: whether it leaves no pixel of its place out.
    """

    def __init__(self, frame: Frame, placement: Placement, layout: Layout, room: _Room, *, dims: bool) -> None:
        self.frame, self.placement, self.layout, self.dims = frame, placement, layout, dims
        area, ratio = layout.area, layout.ratio
        height, width = frame.image.shape[:2]
        part = _visible(area, layout.fitted, width, height)
        across, down = area.width() / width, area.height() / height
        size = max(1, round(part.width * across * ratio)), max(1, round(part.height * down * ratio))
        self.place = QPointF(area.left() + part.left * across, area.top() + part.top * down)
        self.fills = area == layout.fitted and QRectF(0, 0, *size).size() == area.size() * ratio
        self.box = box_area(area, placement)
        picture = _scale(frame.image[part.top : part.bottom, part.left : part.right], size, room)
        if dims and not _covers(self.box, area):
            _dim_pixels(picture, QRectF(self.box.toRect()).translated(-self.place), ratio)
        # The four bytes a pixel that Qt paints fastest.
        self.pixels = room.painted.of(size[1], size[0], 4)
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA, self.pixels)
        self.image = QImage(self.pixels.data, *size, self.pixels.strides[0], QImage.Format.Format_RGB32)
        self.image.setDevicePixelRatio(ratio)

    def paint(self, painter: QPainter, tints: Sequence[Tint]) -> None:
        """Paint it, dimmed where the network does not see it; tints lie over the frame and below the dimming."""
        painter.drawImage(self.place, self.image)
        for tint in tints:
            tint.paint(painter, self.layout.area)
        if not self.dims:
            _dim_around(painter, self.layout.area, self.box)


class FrameScaler:
    """Scales a frame once for all panes of one size, and dims it once for those that tint nothing."""

    def __init__(self) -> None:
        self._last: dict[bool, ScaledFrame] = {}
        self._rooms = {dims: _Room() for dims in (False, True)}

    def scaled(self, frame: Frame, placement: Placement, layout: Layout, *, tinted: bool = False) -> ScaledFrame:
        """Return what is seen of a frame in such a layout; `tinted` for a view that lays something over it."""
        # A painter that mirrors, or begins between two pixels, would not put the edges where it puts the box.
        corner = layout.fitted.topLeft() * layout.ratio
        dims = not tinted and not placement.mirror and layout.area == layout.fitted and corner == corner.toPoint()
        last = self._last.get(dims)
        if last is None or last.frame is not frame or last.layout != layout or last.placement != placement:
            last = self._last[dims] = ScaledFrame(frame, placement, layout, self._rooms[dims], dims=dims)
        return last


def _scale(seen: Image, size: tuple[int, int], room: _Room) -> Image:
    scaled = room.scaled.of(size[1], size[0], 3)
    if size[0] >= seen.shape[1]:
        return cv2.resize(seen, size, scaled, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]
    # Halved first, as often as it can be: averaging over parts of pixels is ten times slower, over three times three of
    # them five times, and the eye sees no less.
    for memory in cycle(room.halves):
        height, width = seen.shape[0] // 2, seen.shape[1] // 2
        if width < size[0] or height < size[1]:
            break
        # A last odd row or column is less than a pixel of the result.
        whole, seen = seen[: 2 * height, : 2 * width], memory.of(height, width, 3)
        cv2.resize(whole, (width, height), seen, interpolation=cv2.INTER_AREA)
    return cv2.resize(seen, size, scaled, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


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
        # What lies behind is not painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
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
            layout = Layout(fitted, self.link.zoomed(fitted, mirrored=placement.mirror), self.devicePixelRatioF())
            tints = self._tints()
            self._scaled = self._scaler.scaled(frame, placement, layout, tinted=bool(tints))
            self._clear(painter, fitted if self._scaled.fills else QRectF())
            painter.save()
            painter.setClipRect(fitted)
            if placement.mirror:
                painter.translate(fitted.left() + fitted.right(), 0)
                painter.scale(-1, 1)
            self._scaled.paint(painter, tints)
            self._paint_over(painter, self._scaled)
            painter.resetTransform()
            self._paint_signs(painter, fitted)
            painter.restore()
            self.painted.emit(frame.captured)
        else:
            self._clear(painter, QRectF())
        if self._words:
            self._paint_words(painter)
        painter.end()

    def _clear(self, painter: QPainter, filled: QRectF) -> None:
        """Paint the window's colour where no picture will be."""
        colour = self.palette().color(QPalette.ColorRole.Window)
        for strip in _around(QRectF(self.rect()), filled):
            painter.fillRect(strip, colour)

    def picture_area(self, width: int, height: int) -> QRectF:
        """Return where a frame of this size is painted: centred, whole, in its own aspect."""
        scale = min(self.width() / width, self.height() / height)
        size = round(width * scale), round(height * scale)
        return QRectF((self.width() - size[0]) // 2, (self.height() - size[1]) // 2, *size)

    def _tints(self) -> list[Tint]:
        """Return what is laid over the frame itself, below the dimming."""
        return [] if self.link.region is None else [self.link.region]

    def _paint_over(self, painter: QPainter, scaled: ScaledFrame) -> None:
        """Paint what lies over the network's box of a frame and is mirrored with it."""

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


def _around(area: QRectF, inner: QRectF) -> tuple[QRectF, ...]:
    """Return what of an area is beside an inner part: four rectangles, as a hollow path is filled ten times slower."""
    left, right = inner.left() - area.left(), area.right() - inner.right()
    return (
        QRectF(area.left(), area.top(), area.width(), inner.top() - area.top()),
        QRectF(area.left(), inner.bottom(), area.width(), area.bottom() - inner.bottom()),
        QRectF(area.left(), inner.top(), left, inner.height()),
        QRectF(inner.right(), inner.top(), right, inner.height()),
    )


def _dim_around(painter: QPainter, area: QRectF, box: QRectF) -> None:
    """Dim a picture in `area` outside the box that the network sees, and outline it; not where it sees everything."""
    if _covers(box, area):
        return
    inner = QRectF(box.toRect())
    for strip in _around(area, inner):
        painter.fillRect(strip, _DIM)
    painter.setPen(QPen(_OUTLINE, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(inner.adjusted(0, 0, -1, -1))


def _dim_pixels(picture: Image, inner: QRectF, ratio: float) -> None:
    """Do what `_dim_around` does to the pixels of a picture, whose own corner is at 0, 0; within 1 of each value.

    Qt would fill in threads of its own, which one waits for while a network has the cores.
    """
    top, bottom = round(inner.top() * ratio), round(inner.bottom() * ratio)
    left, right = round(inner.left() * ratio), round(inner.right() * ratio)
    line = max(1, round(ratio))
    rows, inside = slice(top, bottom), slice(left + line, right - line)
    for outside in (picture[:top], picture[bottom:], picture[rows, :left], picture[rows, right:]):
        _lay_over(outside, _DIM)
    for edge in (
        picture[rows, left : left + line],
        picture[rows, right - line : right],
        picture[top : top + line, inside],
        picture[bottom - line : bottom, inside],
    ):
        _lay_over(edge, _OUTLINE)


def _lay_over(part: Image, grey: QColor) -> None:
    if part.size:
        alpha = grey.alphaF()
        cv2.convertScaleAbs(part, part, 1.0 - alpha, alpha * grey.red())


def _covers(box: QRectF, area: QRectF) -> bool:
    """Whether the network sees all of the picture."""
    return box.width() >= area.width() - 1 and box.height() >= area.height() - 1


def box_area(area: QRectF, placement: Placement) -> QRectF:
    """Return where the network's box lies in the painted picture."""
    width, height = placement.frame_size
    across, down = area.width() / width, area.height() / height
    box = placement.box
    return QRectF(area.left() + box.left * across, area.top() + box.top * down, box.width * across, box.height * down)
