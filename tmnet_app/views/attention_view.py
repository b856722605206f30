"""Where one branch looks: its class activation map as heat over the frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QWidget

from tmnet_app.views.picture_view import FrameScaler, PictureView, box_area
from tmnet_core.attention.colours import heat_pixels, palette
from tmnet_core.data.preprocessing import Placement
from tmnet_core.live.frames import FloatArray, Frame

_LEGEND = (88, 6)


class AttentionView(PictureView):
    """A picture with a heat map in the network's box: transparent where the branch does not look."""

    def __init__(self, scaler: FrameScaler | None = None, parent: QWidget | None = None) -> None:
        super().__init__(scaler, parent)
        self._opacity = 0.7
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._heat: QImage | None = None

    def set_opacity(self, opacity: float) -> None:
        """Set how much of the frame the warmest places hide; 0 hides the map."""
        self._opacity = opacity
        self.update()

    def show_attention(self, frame: Frame, placement: Placement, activation_map: FloatArray | None) -> None:
        """Paint this frame with an h×w map of the network's input over it, or without a map."""
        if activation_map is None:
            self._heat = self._pixels = None
        else:
            self._pixels = heat_pixels(placement.map_to_frame(activation_map))
            side = self._pixels.shape[0]
            self._heat = QImage(self._pixels.data, side, side, 4 * side, QImage.Format.Format_ARGB32_Premultiplied)
        self.show_frame(frame, placement)

    def _paint_over(self, painter: QPainter, area: QRectF, placement: Placement) -> None:
        super()._paint_over(painter, area, placement)
        if self._heat is None or self._opacity == 0:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(self._opacity)
        painter.drawImage(box_area(area, placement), self._heat)
        painter.setOpacity(1.0)
        # The picture may be painted mirrored; the legend is read from left to right all the same.
        painter.resetTransform()
        self._paint_legend(painter, area)

    def _paint_legend(self, painter: QPainter, area: QRectF) -> None:
        width, height = _LEGEND
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        less, more = metrics.horizontalAdvance("less"), metrics.horizontalAdvance("more")
        total = less + width + more + 24
        plate = QRectF(area.right() - total - 8, area.bottom() - 28, total, 20)
        if plate.left() < area.left():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(plate, 4, 4)
        bar = QRectF(plate.left() + less + 12, plate.center().y() - height / 2, width, height)
        painter.fillRect(bar, _legend_gradient(bar))
        painter.setPen(QColor("#E8E9EB"))
        painter.drawText(plate.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, "less")
        painter.drawText(
            plate.adjusted(0, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, "more"
        )


def _legend_gradient(bar: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for level, rgb in enumerate(palette("inferno").tolist()):
        if level % 15 == 0:
            gradient.setColorAt(level / 255, QColor(*rgb))
    return gradient
