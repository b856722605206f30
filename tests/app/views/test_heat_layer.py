from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from tmnet_app.views.heat_layer import HeatLayer
from tmnet_core.attention.colours import contour_lines, heat_pixels
from tmnet_core.data.preprocessing import Image

MAP = np.random.default_rng(3).random((7, 7), np.float32)
SEEN = QRectF(0, 0, 300, 200)
BOXES = {
    "whole": QRectF(50, 0, 200, 200),
    "between pixels": QRectF(51.3, 7.6, 183.2, 177.7),
    "zoomed": QRectF(-600.4, -700.7, 1500, 1500),
    "half out of sight": QRectF(200, 100, 200, 200),
}


def painted(layer: HeatLayer, box: QRectF, ratio: float = 1.0) -> Image:
    return _canvas(lambda painter: layer.paint(painter, box, SEEN, ratio), ratio)


def _canvas(paint, ratio: float) -> Image:
    image = QImage(round(300 * ratio), round(200 * ratio), QImage.Format.Format_RGB32)
    image.fill(0xFF506070)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return np.array(image.constBits()).reshape(image.height(), image.width(), 4)[..., :3].astype(np.int16)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_heat_is_where_qt_would_enlarge_it_to(qapp, box: QRectF, ratio: float) -> None:
    layer, heat = HeatLayer(), heat_pixels(MAP)
    layer.show(heat)
    image = QImage(heat.data, 64, 64, 256, QImage.Format.Format_ARGB32_Premultiplied)

    def by_qt(painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, image)

    difference = np.abs(painted(layer, box, ratio) - _canvas(by_qt, ratio))
    # Half a pixel's shift moves a steep place by some levels, and an edge of the box by a pixel.
    assert difference.mean() < 1.5
    assert np.percentile(difference, 98) < 10


def test_what_is_out_of_sight_or_taken_away_paints_nothing(qapp) -> None:
    layer = HeatLayer()
    layer.show(heat_pixels(MAP))
    plain = _canvas(lambda painter: None, 1.0)
    assert (painted(layer, QRectF(400, 0, 200, 200)) == plain).all()
    assert not (painted(layer, BOXES["whole"]) == plain).all()
    layer.show(None)
    assert layer.empty
    assert (painted(layer, BOXES["whole"]) == plain).all()


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("box", [BOXES["whole"], BOXES["zoomed"]], ids=["whole", "zoomed"])
def test_a_line_is_bright_between_dark_rims_and_lies_where_it_crosses(qapp, box: QRectF, ratio: float) -> None:
    ramp = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 64, axis=0)
    layer = HeatLayer()
    layer.show(np.zeros((64, 64, 4), np.uint8), contour_lines(ramp, 0.5))
    row = painted(layer, box, ratio)[round(100 * ratio)].mean(1)
    place = int(row.argmax())
    assert (place + 0.5) / ratio == pytest.approx(box.center().x(), abs=1.0)
    assert row.max() > 180, "of 96 around it; a line between two pixels is shared by both"
    beside = round(2 * ratio)
    assert row[place - beside : place].min() < 85
    assert row[place + 1 : place + beside + 1].min() < 85
    assert (np.delete(row, range(place - 9, place + 10)) == row[0]).all()


def test_another_place_and_another_map_are_drawn_anew(qapp) -> None:
    layer, other = HeatLayer(), HeatLayer()
    layer.show(heat_pixels(MAP), contour_lines(MAP, 0.5))
    once = painted(layer, BOXES["whole"])
    assert (painted(layer, BOXES["whole"].translated(QPointF(10, 0)))[:, 60:260] == once[:, 50:250]).all()
    other.show(heat_pixels(MAP.T))
    layer.show(heat_pixels(MAP.T))
    assert (painted(layer, BOXES["whole"]) == painted(other, BOXES["whole"])).all()
