from __future__ import annotations

import gc

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent

from tmnet_app.views.input_view import InputView
from tmnet_app.views.picture_view import FrameScaler, Layout, PictureView
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
    layout, smaller = (Layout(area, area, 1.0) for area in (QRectF(0, 0, 100, 50), QRectF(0, 0, 50, 25)))
    assert scaler.scaled(frame, whole(frame), layout) is scaler.scaled(frame, whole(frame), layout)
    assert scaler.scaled(frame, whole(frame), smaller).image.width() == 50


def test_a_frame_that_another_view_dimmed_is_not_dimmed_below_a_tint(view, qtbot):
    frame, placement, scaler = half_and_half(), Placement((64, 32), Box(16, 0, 48, 32)), FrameScaler()
    plain, shared, alone = views = [InputView(scaler), InputView(scaler), InputView()]
    for each in views:
        qtbot.addWidget(each)
        each.resize(view.size())
        each.show_frame(frame, placement)
    seen = plain.grab().toImage()
    assert shared.grab().toImage() == seen
    for each in (shared, alone):
        each.show_region(np.ones((4, 8), np.uint8))
    plain.grab()
    assert shared.grab().toImage() == alone.grab().toImage() != seen
    assert plain.grab().toImage() == seen


@pytest.mark.parametrize(("zoom", "mirror"), [(1.0, False), (1.0, True), (2.5, False)])
def test_no_pixel_of_what_was_painted_before_stays(view, zoom, mirror):
    for frame in (half_and_half(64, 32), half_and_half(24, 48)):
        view.show_frame(frame, whole(frame, mirror))
        if zoom > 1.0:
            view.link.zoom_at(QPointF(0.3, 0.5), zoom)
        pictures = [QImage(view.size(), QImage.Format.Format_RGB32) for _ in range(2)]
        for picture, before in zip(pictures, (0xFF00FF00, 0xFFFF00FF), strict=True):
            picture.fill(before)
            view.render(picture)
        assert pictures[0] == pictures[1]
        view.link.reset()


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (501, 2), (33, 77)])
def test_odd_sizes_are_painted(view, size):
    frame = Frame(np.full((size[1], size[0], 3), 9, np.uint8), 0, 0.0, 0.0)
    view.show_frame(frame, whole(frame))
    assert not view.grab().isNull()


@pytest.mark.parametrize("mirror", [False, True])
def test_zooming_keeps_what_the_pointer_is_on_and_all_views_follow(qtbot, view, mirror):
    frame = half_and_half()
    other = PictureView(link=view.link)
    qtbot.addWidget(other)
    other.resize(100, 100)
    for each in (view, other):
        each.show_frame(frame, whole(frame, mirror))
    left, right = (BLUE, RED) if mirror else (RED, BLUE)
    place = QPointF(0.25, 0.5)
    view.link.zoom_at(place, 4.0)
    picture, smaller = view.grab().toImage(), other.grab().toImage()
    # A quarter of the width around the place, which lies in the left half as it is seen.
    assert {picture.pixelColor(x, 100).name() for x in (5, 100, 195)} == {left.name()}
    assert {smaller.pixelColor(x, 50).name() for x in (5, 50, 95)} == {left.name()}
    view.link.pan(-10.0, 0.0)
    assert view.grab().toImage().pixelColor(195, 100) == right
    view.link.reset()
    assert view.grab().toImage().pixelColor(5, 100) == left


def test_the_hand_zooms_pans_and_resets(qtbot, view):
    frame = half_and_half()
    view.show_frame(frame, whole(frame))
    wheel = QWheelEvent(
        QPointF(50, 100),
        QPointF(50, 100),
        QPoint(),
        QPoint(0, 960),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    view.wheelEvent(wheel)
    assert view.link.zoom > 2
    assert view.grab().toImage().pixelColor(195, 100) == RED
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(190, 100))
    qtbot.mouseMove(view, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(5, 100))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(5, 100))
    assert view.grab().toImage().pixelColor(195, 100) == BLUE
    assert view.link.pointer is not None
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(50, 100))
    assert view.link.zoom == 1.0


def test_words_are_painted_with_and_without_a_picture(view):
    empty = view.grab().toImage()
    view.say("This checkpoint has no RB.")
    assert view.grab().toImage() != empty
