"""Where one branch looks: its class activation map as heat over the frame."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from tmnet_app.views.heat_layer import HeatLayer
from tmnet_app.views.legend import Legend, small
from tmnet_app.views.linked_view import LinkedView
from tmnet_app.views.picture_view import FrameScaler, PictureView, ScaledFrame
from tmnet_core.attention.colours import HEAT_SIDE, contour_lines, enlarge, heat_pixels
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.data.preprocessing import Placement
from tmnet_core.live.frames import FloatArray, Frame
from tmnet_core.opencv import cv2


class AttentionView(PictureView):
    """A picture with a heat map in the network's box: transparent where the branch does not look."""

    def __init__(
        self, scaler: FrameScaler | None = None, link: LinkedView | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(scaler, link, parent)
        self._settings = AttentionSettings()
        self._visible_heat = True
        self._shown: ShownMap | None = None
        self._values: FloatArray | None = None
        self._heat = HeatLayer()
        self.legend = Legend()

    def set_look(self, settings: AttentionSettings, *, visible: bool) -> None:
        """Show heat as the settings say, or the plain frame."""
        self._settings = settings.model_copy()
        self._visible_heat = visible
        self._colour()
        self.update()

    def show_attention(
        self, frame: Frame, placement: Placement, shown: ShownMap | None, now: float = 0.0, *, still: bool = True
    ) -> None:
        """Paint this frame with a map of the network's input over it, or without a map."""
        self._shown = shown
        self._values = None if shown is None else placement.map_to_frame(shown.values)
        if shown is not None:
            self.legend.show(shown, now, still=still)
        self._colour()
        self.show_frame(frame, placement)

    @property
    def value(self) -> float | None:
        """The map's value where the pointer is; None where there is none."""
        pointer, placement, values = self.link.pointer, self._placement, self._values
        if pointer is None or placement is None or values is None:
            return None
        width, height = placement.frame_size
        x = (1.0 - pointer.x() if placement.mirror else pointer.x()) * width
        y = pointer.y() * height
        box = placement.box
        across, down = (x - box.left) / box.width, (y - box.top) / box.height
        if not (0 <= across < 1 and 0 <= down < 1):
            return None
        return float(enlarge(values)[int(down * HEAT_SIDE), int(across * HEAT_SIDE)])

    def _colour(self) -> None:
        self._heat.show(None)
        shown, values = self._shown, self._values
        if shown is None or values is None or not self._visible_heat:
            return
        pixels = heat_pixels(values, shown.scale, shown.colours)
        share, lines = self._settings.contour, list[FloatArray]()
        if share and not shown.scale.empty:
            ends = (share, 1.0 - share) if shown.difference else (share,)
            lines = contour_lines(values, *map(shown.scale.value, ends))
        cv2.convertScaleAbs(pixels, pixels, self._settings.opacity)
        self._heat.show(pixels, lines)

    def _paint_over(self, painter: QPainter, scaled: ScaledFrame) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._heat.paint(painter, scaled.box, scaled.layout.fitted, scaled.layout.ratio)

    def _paint_signs(self, painter: QPainter, area: QRectF) -> None:
        super()._paint_signs(painter, area)
        if self._heat.empty:
            return
        value, shown = self.value, self._shown
        self.legend.paint(painter, area, value)
        place = self._pointed_at(area)
        if value is not None and place is not None and shown is not None:
            _paint_value(painter, area, place, shown.scale.written(value))


def _paint_value(painter: QPainter, area: QRectF, place: QPointF, text: str) -> None:
    """Write a value beside a place, inside the picture."""
    painter.setFont(small(painter.font()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    room = painter.fontMetrics().horizontalAdvance(text) + 12
    left = place.x() + 10 if place.x() + 10 + room < area.right() else place.x() - 10 - room
    plate = QRectF(left, max(area.top(), min(place.y() - 26, area.bottom() - 20)), room, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(QColor("#E8E9EB"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
