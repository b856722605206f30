from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.legend import Legend
from tmnet_core.attention.colours import DIFFERENCE_MAP, HEAT_MAPS, HeatScale, own_scale
from tmnet_core.attention.settings import AttentionSettings
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame

BLACK = Frame(np.zeros((32, 64, 3), np.uint8), 0, 0.0, 0.0)


def shown(values, low=0.0, high=1.0, colours="inferno") -> ShownMap:
    return ShownMap(np.asarray(values, np.float32), HeatScale(low, high), colours, 0)


def one_corner() -> ShownMap:
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = 1.0
    return shown(values)


@pytest.fixture
def view(qtbot) -> AttentionView:
    view = AttentionView()
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.set_look(AttentionSettings(opacity=1.0), visible=True)
    return view


@pytest.mark.parametrize("mirror", [False, True])
def test_heat_lies_where_the_map_is_warm_in_the_box(view, mirror):
    view.show_attention(BLACK, Placement((64, 32), Box(0, 0, 32, 32), mirror=mirror), one_corner())
    picture = view.grab().toImage()
    # The network's top left corner is on the left of the box as the person sees it, mirrored or not.
    left = 200 if mirror else 0
    assert picture.pixelColor(left + 15, 15).lightness() > 100
    assert picture.pixelColor(left + 185, 15).lightness() < 60
    assert picture.pixelColor((300 if not mirror else 100), 100).lightness() < 10


@pytest.mark.parametrize("mirror", [False, True])
def test_the_value_under_the_pointer_is_the_one_that_is_painted_there(view, mirror):
    view.show_attention(BLACK, Placement((64, 32), Box(0, 0, 32, 32), mirror=mirror), one_corner())
    left = 0.5 if mirror else 0.0
    view.link.point_at(QPointF(left + 0.02, 0.05))
    assert view.value == pytest.approx(1.0, abs=0.25)
    view.link.point_at(QPointF(left + 0.48, 0.05))
    assert view.value == pytest.approx(0.0, abs=0.05)
    view.link.point_at(QPointF(0.25 if mirror else 0.75, 0.5))  # beside the box
    assert view.value is None
    view.link.point_at(None)
    assert view.value is None


@pytest.mark.parametrize("colours", [*HEAT_MAPS, DIFFERENCE_MAP])
def test_the_colours_of_the_legend_are_those_of_the_pixels(view, colours):
    painted = QImage(256, 40, QImage.Format.Format_RGB32)
    painted.fill(0)
    legend = Legend()
    scale = shown(np.zeros((2, 2)), -3.0, 5.0, colours)
    legend.show(scale, 0.0, still=True)
    painter = QPainter(painted)
    legend.paint(painter, QRectF(0, 0, 256, 40))
    painter.end()
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        value = -3.0 + 8.0 * share
        view.show_attention(
            BLACK, Placement((64, 32), Box(0, 0, 64, 32)), shown(np.full((4, 4), value), -3, 5, colours)
        )
        pixel = view.grab().toImage().pixelColor(100, 50)
        on_bar = painted.pixelColor(
            round(legend.bar.left() + share * legend.bar.width() - 0.5), round(legend.bar.center().y())
        )
        for one, other in zip(pixel.getRgb(), on_bar.getRgb(), strict=True):
            assert abs(one - other) <= 8, (colours, share)  # a pixel of the bar stands for 3.5 of 256 colours


def test_a_contour_runs_where_the_map_crosses_the_share(view):
    values = np.repeat(np.linspace(0, 1, 8, dtype=np.float32)[None], 8, axis=0)
    plain = Placement((64, 32), Box(0, 0, 64, 32))
    view.show_attention(BLACK, plain, shown(values))
    without = view.grab().toImage()
    view.set_look(AttentionSettings(opacity=1.0, contour=0.5), visible=True)
    with_line = view.grab().toImage()
    changed = [x for x in range(400) if without.pixelColor(x, 40) != with_line.pixelColor(x, 40)]
    assert changed
    assert all(abs(x - 200) < 12 for x in changed)


def test_where_no_place_adds_to_the_class_nothing_is_warm_and_the_legend_says_so(view):
    against = ShownMap(np.full((4, 4), -2.0, np.float32), own_scale(np.float32([-2.0])), "inferno", 0)
    view.set_look(AttentionSettings(opacity=1.0, contour=0.5), visible=True)
    view.show_attention(BLACK, Placement((64, 32), Box(0, 0, 64, 32)), against)
    picture = view.grab().toImage()
    assert picture.copy(QRect(0, 0, 400, 150)) == _black(400, 150, view)
    assert view.legend.bar.isEmpty()
    written = [picture.pixelColor(x, y).lightness() for x in range(200, 400) for y in range(170, 200)]
    assert max(written) > 150, "words in place of the colours"


def test_hidden_attention_leaves_the_frame_alone(view):
    view.show_attention(BLACK, Placement((64, 32), Box(0, 0, 64, 32)), one_corner())
    view.set_look(AttentionSettings(), visible=False)
    assert view.grab().toImage().copy(QRect(0, 0, 400, 150)) == _black(400, 150, view)


def _black(width: int, height: int, view: AttentionView) -> QImage:
    image = QImage(width, height, view.grab().toImage().format())
    image.fill(QColor(0, 0, 0))
    return image


def test_the_legends_numbers_stand_still_while_pictures_move():
    legend = Legend()
    legend.show(shown(np.zeros((2, 2)), 0, 1), 10.0, still=False)
    legend.show(shown(np.zeros((2, 2)), 0, 2), 10.1, still=False)
    assert legend.ends == ("\u2264 0", "1.00")
    legend.show(shown(np.zeros((2, 2)), 0, 2), 10.3, still=False)
    assert legend.ends == ("\u2264 0", "2.00")
    legend.show(shown(np.zeros((2, 2)), 0, 0), 10.31, still=False)
    legend.show(shown(np.zeros((2, 2)), 0, 3), 10.32, still=False)
    assert legend.ends == ("\u2264 0", "3.00"), "what was written of an empty scale does not stay"
