"""The frame as it is, and on request what moves in it."""

from __future__ import annotations

from PySide6.QtGui import QPalette

from tmnet_app.views.picture_view import PictureView
from tmnet_app.views.tint import Tint
from tmnet_core.data.preprocessing import Image

_OPACITY = 150


class InputView(PictureView):
    """A picture over which a region can be tinted in the accent colour."""

    region: Tint | None = None

    def show_region(self, region: Image | None) -> None:
        """Tint an h×w region, 0 or 1, of the whole frame; None takes the tint away."""
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        colour.setAlpha(_OPACITY)
        self.region = None if region is None else Tint(region, colour)
        self.update()

    def _tints(self) -> list[Tint]:
        return super()._tints() if self.region is None else [self.region, *super()._tints()]
