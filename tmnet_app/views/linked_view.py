"""What all pictures have in common: how far they are zoomed in, where, and what the pointer is on."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QColor

from tmnet_app.views.tint import Tint
from tmnet_core.data.preprocessing import Image

FURTHEST = 12.0
_PAINT = QColor(225, 60, 160, 120)


class LinkedView(QObject):
    """Zoom, centre and pointer in the picture as it is seen, both coordinates in [0, 1]; `changed` follows each."""

    changed = Signal()
    brushed = Signal(QPointF, bool, bool)  # a place, whether to paint or to take away, whether the stroke begins

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.zoom = 1.0
        self.pointer: QPointF | None = None
        self.brushing = False  # whether dragging paints
        self.region: Tint | None = None
        self._centre = QPointF(0.5, 0.5)

    def zoomed(self, fitted: QRectF, *, mirrored: bool = False) -> QRectF:
        """Return where the whole picture lies when its visible part fills `fitted`.

        Mirrored, as seen by a painter that mirrors about the middle of `fitted`.
        """
        if self.zoom == 1.0:
            return fitted
        x = 1.0 - self._centre.x() if mirrored else self._centre.x()
        width, height = fitted.width() * self.zoom, fitted.height() * self.zoom
        middle = fitted.center()
        return QRectF(middle.x() - x * width, middle.y() - self._centre.y() * height, width, height)

    def place(self, point: QPointF, fitted: QRectF) -> QPointF | None:
        """Return where in the picture a point of the widget lies, None outside."""
        if fitted.isEmpty() or not fitted.contains(point):
            return None
        whole = self.zoomed(fitted)
        return QPointF((point.x() - whole.left()) / whole.width(), (point.y() - whole.top()) / whole.height())

    def zoom_at(self, place: QPointF, factor: float) -> None:
        """Zoom in or out, leaving this place of the picture where it is on the screen."""
        zoom = min(FURTHEST, max(1.0, self.zoom * factor))
        kept = self.zoom / zoom
        self.zoom = zoom
        self._look_at(place + (self._centre - place) * kept)

    def pan(self, right: float, down: float) -> None:
        """Push the picture by so many widths and heights of what is visible."""
        self._look_at(self._centre - QPointF(right, down) / self.zoom)

    def reset(self) -> None:
        """Show the whole picture."""
        self.zoom = 1.0
        self._look_at(QPointF(0.5, 0.5))

    def point_at(self, place: QPointF | None) -> None:
        """Remember what the pointer is on."""
        if place != self.pointer:
            self.pointer = place
            self.changed.emit()

    def show_region(self, region: Image | None) -> None:
        """Tint an h×w region, 0 or 1, of the whole frame in all views; None takes the tint away."""
        self.region = None if region is None else Tint(region, _PAINT)
        self.changed.emit()

    def _look_at(self, centre: QPointF) -> None:
        """Move the centre, but never beyond the picture's edge."""
        half = 0.5 / self.zoom
        self._centre = QPointF(min(1.0 - half, max(half, centre.x())), min(1.0 - half, max(half, centre.y())))
        self.changed.emit()
