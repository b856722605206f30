from __future__ import annotations

import gc

import numpy as np
import pytest
from PySide6.QtGui import QColor

from tmnet_app.views.attention_view import AttentionView
from tmnet_app.views.picture_view import FrameScaler, PictureView
from tmnet_core.data.preprocessing import Box, Placement
from tmnet_core.live.frames import Frame

RED, BLUE = QColor(255, 0, 0), QColor(0, 0, 255)


def half_and_half(width: int = 64, height: int = 32) -> Frame:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    return Frame(image, 0, 0.0, 0.0)


def whole(frame: Frame, mirror: bool = False) -> Placement:
    height, width = frame.image.shape[:2]
    return Placement((width, height), Box(0, 0, width, height), mirror=mirror)


@pytest.fixture
def view(qtbot) -> PictureView:
    view = PictureView()
    qtbot.addWidget(view)
    view.resize(200, 200)
    view.show()
    return view


def test_colours_sides_and_aspect_are_right(view):
    frame = half_and_half()
    view.show_frame(frame, whole(frame))
    picture = view.grab().toImage()
    assert picture.pixelColor(20, 100) == RED
    assert picture.pixelColor(180, 100) == BLUE
    assert picture.pixelColor(20, 40) not in (RED, BLUE)
    assert view.picture_area(64, 32).getRect() == (0, 50, 200, 100)


def test_a_mirrored_picture_is_mirrored(view):
    frame = half_and_half()
    view.show_frame(frame, whole(frame, mirror=True))
    picture = view.grab().toImage()
    assert picture.pixelColor(20, 100) == BLUE
    assert picture.pixelColor(180, 100) == RED


def test_what_the_network_does_not_see_is_dimmed(view):
    frame = half_and_half()
    view.show_frame(frame, Placement((64, 32), Box(16, 0, 48, 32)))
    picture = view.grab().toImage()
    assert picture.pixelColor(20, 100).red() < 200
    assert picture.pixelColor(80, 100) == RED


def test_painting_tells_when_the_frame_was_captured(view, qtbot):
    frame = half_and_half()
    with qtbot.waitSignal(view.painted):
        view.show_frame(frame, whole(frame))


def test_a_new_frame_is_never_taken_for_an_old_one(view):
    for red in range(0, 250, 50):
        image = np.full((32, 64, 3), red, np.uint8)
        frame = Frame(image, 0, 0.0, 0.0)
        view.show_frame(frame, whole(frame))
        del frame
        gc.collect()
        assert view.grab().toImage().pixelColor(100, 100).red() == red


def test_equal_panes_share_one_scaled_frame():
    scaler, frame = FrameScaler(), half_and_half()
    assert scaler.scaled(frame, (100, 50)) is scaler.scaled(frame, (100, 50))
    assert scaler.scaled(frame, (50, 25)).image.width() == 50


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (501, 2), (33, 77)])
def test_odd_sizes_are_painted(view, size):
    frame = Frame(np.full((size[1], size[0], 3), 9, np.uint8), 0, 0.0, 0.0)
    view.show_frame(frame, whole(frame))
    assert not view.grab().isNull()


@pytest.mark.parametrize("mirror", [False, True])
def test_heat_lies_where_the_map_is_warm_in_the_box(qtbot, mirror):
    view = AttentionView()
    qtbot.addWidget(view)
    view.resize(400, 200)
    view.set_opacity(1.0)
    frame = Frame(np.zeros((32, 64, 3), np.uint8), 0, 0.0, 0.0)
    seen_by_network = np.zeros((4, 4), np.float32)
    seen_by_network[0, 0] = 1.0
    view.show_attention(frame, Placement((64, 32), Box(0, 0, 32, 32), mirror=mirror), seen_by_network)
    picture = view.grab().toImage()
    # The network's top left corner is on the left of the box as the person sees it, mirrored or not.
    left = 200 if mirror else 0
    assert picture.pixelColor(left + 15, 15).lightness() > 100
    assert picture.pixelColor(left + 185, 15).lightness() < 60
    assert picture.pixelColor((300 if not mirror else 100), 100).lightness() < 10


def test_words_are_painted_with_and_without_a_picture(view):
    empty = view.grab().toImage()
    view.say("This checkpoint has no RB.")
    assert view.grab().toImage() != empty
