"""Icons of one family, drawn as strokes of `currentColor` on a 24 px grid and tinted by the palette."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from tmnet_core.assets import asset

SIZE = 24


def icon(name: str, palette: QPalette) -> QIcon:
    """Return an icon of `assets/icons` in the palette's text, disabled and accent colours."""
    tints = {
        (QIcon.Mode.Normal, QIcon.State.Off): palette.color(QPalette.ColorRole.ButtonText),
        (QIcon.Mode.Normal, QIcon.State.On): palette.color(QPalette.ColorRole.Highlight),
        (QIcon.Mode.Disabled, QIcon.State.Off): palette.color(
            QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
        ),
    }
    result = QIcon()
    for (mode, state), colour in tints.items():
        tint = f'stroke="{colour.name()}" stroke-opacity="{colour.alphaF():.2f}"'
        for scale in (1, 2, 3):
            result.addPixmap(_pixmap(name, tint, scale), mode, state)
    return result


@cache
def _drawing(name: str) -> str:
    return asset(f"icons/{name}.svg").read_text(encoding="utf-8")


@cache
def _pixmap(name: str, tint: str, scale: int) -> QPixmap:
    drawing = _drawing(name).replace('stroke="currentColor"', tint)
    pixmap = QPixmap(QSize(SIZE, SIZE) * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(drawing.encode())).render(painter)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
