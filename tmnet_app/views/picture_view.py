"""One frame, painted as large as its place allows, with the box that the network sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_core.data.preprocessing import Placement
from tmnet_core.live.frames import Frame
from tmnet_core.opencv import cv2

_DIM = QColor(0, 0, 0, 96)
_OUTLINE = QColor(255, 255, 255, 190)


@dataclass(frozen=True, eq=False)
class ScaledFrame:
    """A frame at the size it is painted; `image` lies over `pixels` without a copy, so both live together."""

    frame: Frame
    size: tuple[int, int]
    pixels: npt.NDArray[np.uint8]
    image: QImage


class FrameScaler:
    """Scales a frame once for all panes of one size, to the four bytes a pixel that Qt paints fastest."""

    def __init__(self) -> None:
        self._last: ScaledFrame | None = None

    def scaled(self, frame: Frame, size: tuple[int, int]) -> ScaledFrame:
        """Return the frame at (width, height) in device pixels."""
        if self._last is None or self._last.frame is not frame or self._last.size != size:
            self._last = _scale(frame, size)
        return self._last


def _scale(frame: Frame, size: tuple[int, int]) -> ScaledFrame:
    shrinks = size[0] < frame.image.shape[1]
    resized = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    pixels = np.asarray(cv2.cvtColor(resized, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
    image = QImage(pixels.data, *size, pixels.strides[0], QImage.Format.Format_RGB32)
    return ScaledFrame(frame, size, pixels, image)


class PictureView(QWidget):
    """Paints the newest frame it was given; `painted` tells that it has reached the screen's back buffer."""

    painted = Signal(float)  # when the frame was captured, by time.perf_counter()

    def __init__(self, scaler: FrameScaler | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")
        self._frame: Frame | None = None
        self._placement: Placement | None = None
        self._words = ""
        self._scaler = scaler or FrameScaler()
        self._scaled: ScaledFrame | None = None

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
            area = self.picture_area(*placement.frame_size)
            painter.save()
            if placement.mirror:
                painter.translate(area.left() + area.right(), 0)
                painter.scale(-1, 1)
            self._paint_frame(painter, frame, area)
            self._paint_over(painter, area, placement)
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

    def _paint_over(self, painter: QPainter, area: QRectF, placement: Placement) -> None:
        """Dim what the network does not see and outline what it does."""
        box = box_area(area, placement)
        if box.width() >= area.width() - 1 and box.height() >= area.height() - 1:
            return
        outside = QPainterPath()
        outside.addRect(area)
        outside.addRect(QRectF(box.toRect()))
        painter.fillPath(outside, _DIM)  # odd-even: what lies in both is left out
        painter.setPen(QPen(_OUTLINE, 1))
        painter.drawRect(QRectF(box.toRect()).adjusted(0, 0, -1, -1))

    def _paint_frame(self, painter: QPainter, frame: Frame, area: QRectF) -> None:
        ratio = self.devicePixelRatioF()
        size = max(1, round(area.width() * ratio)), max(1, round(area.height() * ratio))
        self._scaled = self._scaler.scaled(frame, size)
        self._scaled.image.setDevicePixelRatio(ratio)
        painter.drawImage(area.topLeft(), self._scaled.image)

    def _paint_words(self, painter: QPainter) -> None:
        if self._frame is not None:
            painter.fillRect(self.rect(), QColor(0, 0, 0, 150))
            painter.setPen(QColor("#E8E9EB"))
        else:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        area = self.rect().adjusted(16, 16, -16, -16)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)


def box_area(area: QRectF, placement: Placement) -> QRectF:
    """Return where the network's box lies in the painted picture."""
    width, height = placement.frame_size
    across, down = area.width() / width, area.height() / height
    box = placement.box
    return QRectF(area.left() + box.left * across, area.top() + box.top * down, box.width * across, box.height * down)
