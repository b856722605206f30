"""The frame as it is, and on request what moves in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPalette

from tmnet_app.views.picture_view import PictureView
from tmnet_core.data.preprocessing import Image, Placement

_OPACITY = 150


class InputView(PictureView):
    """A picture over which a region can be tinted in the accent colour."""

    _pixels: npt.NDArray[np.uint8] | None = None
    _region: QImage | None = None

    def show_region(self, region: Image | None) -> None:
        """Tint an h×w region, 0 or 1, that covers the whole frame at any size; None takes the tint away."""
        if region is None:
            self._pixels = self._region = None
        else:
            accent = self.palette().color(QPalette.ColorRole.Highlight)
            table = np.zeros((2, 4), np.uint8)
            table[1] = [c * _OPACITY // 255 for c in (accent.blue(), accent.green(), accent.red())] + [_OPACITY]
            self._pixels = np.ascontiguousarray(table[region])
            height, width = region.shape
            self._region = QImage(
                self._pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied
            )
        self.update()

    def _paint_over(self, painter: QPainter, area: QRectF, placement: Placement) -> None:
        if self._region is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._region)
        super()._paint_over(painter, area, placement)
