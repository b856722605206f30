"""A map alone, small: its colours at its own scale."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from tmnet_app.theme import GRID, muted, tabular
from tmnet_core.attention.colours import HEAT_SIDE, ColourMap, heat_pixels
from tmnet_core.data.preprocessing import Image
from tmnet_core.live.frames import FloatArray

_CAPTION = 18


class MapThumb(QWidget):
    """Paints an h×w map over black, a caption below."""

    def __init__(self, caption: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(caption)
        self.setToolTip(tip)
        self.setFont(tabular(self.font(), scale=0.85))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._caption = caption
        self._pixels: Image | None = None
        self._heat: QImage | None = None

    def sizeHint(self) -> QSize:
        """A small square."""
        return QSize(9 * GRID, 9 * GRID + _CAPTION)

    def show_map(self, values: FloatArray | None, colours: ColourMap = "inferno") -> None:
        """Paint this map from now on, oriented as the frame; None: nothing."""
        self._pixels = None if values is None else heat_pixels(values, None, colours)
        side = HEAT_SIDE
        self._heat = (
            None
            if self._pixels is None
            else QImage(self._pixels.data, side, side, 4 * side, QImage.Format.Format_ARGB32_Premultiplied)
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint map and caption."""
        painter = QPainter(self)
        side = min(self.width(), self.height() - _CAPTION)
        area = QRectF((self.width() - side) / 2, 0, side, side)
        painter.fillRect(area, self.palette().color(QPalette.ColorRole.AlternateBase))
        if self._heat is not None:
            painter.fillRect(area, QColor(0, 0, 0))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._heat)
        painter.setPen(muted(self.palette()))
        place = QRectF(0, area.bottom(), self.width(), _CAPTION)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._caption)
        painter.end()
