from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt

from tmnet_app.views.timeline import Span, Strip, Timeline

STRIP = Strip(100, [Span(0, 40, 0, 1.0), Span(40, 60, 1, 1.0), Span(60, 100, 0, 1.0)], best=20, worst=50)


@pytest.fixture
def timeline(qtbot) -> Timeline:
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(400, timeline.height())
    timeline.show_strip(STRIP, ["wave", "clap"])
    timeline.show()
    return timeline


def test_a_click_seeks_to_the_frame_of_its_place(timeline, qtbot):
    for x, frame in ((0, 0), (200, 50), (399, 99)):
        with qtbot.waitSignal(timeline.seek_requested) as asked:
            qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
        assert asked.args == [frame]


def test_a_click_near_a_mark_goes_to_its_frame(timeline, qtbot):
    with qtbot.waitSignal(timeline.seek_requested) as asked:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(85, timeline.height() - 3))
    assert asked.args == [20]


def test_the_pointer_asks_for_a_preview(timeline, qtbot):
    with qtbot.waitSignal(timeline.pointed_at) as asked:
        qtbot.mouseMove(timeline, QPoint(100, 5))
    assert asked.args == [25]


def test_stretches_have_the_colour_of_their_class(timeline):
    picture = timeline.grab().toImage()
    assert picture.pixelColor(120, 2) == timeline.colour(0)
    assert picture.pixelColor(200, 2) == timeline.colour(1)
    assert timeline.colour(0) != timeline.colour(1)
    assert timeline.span_at(45).index == 1
    assert timeline.span_at(100) is None


def test_a_key_names_the_colours_where_a_stretch_is_too_short_for_its_name(timeline, qtbot):
    assert timeline.key == []
    low = timeline.height()
    timeline.show_strip(Strip(100, [Span(0, 90, 0, 1.0), Span(90, 100, 1, 1.0)]), ["wave", "jumping jack"])
    assert timeline.key == ["wave", "jumping jack"]
    assert timeline.height() > low
    picture = timeline.grab().toImage()
    key = {picture.pixelColor(x, timeline.height() - 8).name() for x in range(200)}
    assert {timeline.colour(0).name(), timeline.colour(1).name()} <= key
    with qtbot.assertNotEmitted(timeline.seek_requested):
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(100, timeline.height() - 3))
    timeline.resize(1600, timeline.height())
    assert timeline.key == []
    assert timeline.height() == low


def test_without_a_strip_nothing_answers(timeline, qtbot):
    timeline.show_strip(None, [])
    with qtbot.assertNotEmitted(timeline.seek_requested):
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(100, 5))
    assert not timeline.grab().isNull()


@pytest.mark.parametrize("best", [16, 3, 50])
def test_a_mark_covers_no_name_of_a_third(timeline, best):
    timeline.resize(1200, timeline.height())
    timeline.show_strip(Strip(100, STRIP.spans, best=best), ["wave", "clap"])
    picture = timeline.grab().toImage()
    rows = range(timeline.height() - 10, timeline.height() - 1)
    ground = picture.pixelColor(410, timeline.height() - 3)
    inked = [any(picture.pixelColor(x, y) != ground for y in rows) for x in range(picture.width())]
    assert sum(inked) > 60, "there are names"
    mark = round((best + 0.5) / 100 * timeline.width())
    assert any(inked[mark - 3 : mark + 4])
    assert not any(inked[mark - 9 : mark - 6] + inked[mark + 7 : mark + 10])
