from __future__ import annotations

from itertools import pairwise

import pytest


@pytest.mark.parametrize("recording", [False, True])
@pytest.mark.parametrize("width", [640, 760, 900, 1280, 1920])
def test_nothing_overlaps_and_the_seek_bar_keeps_its_room(playing, width, recording):
    playing.resize(width, 600)
    bar = playing.transport
    bar.show_recording(754.3 if recording else None, 18000)
    bar.layout().activate()
    widgets = (bar.slider, bar.time, bar.recording, bar.speed, *bar.buttons.values())
    shown = sorted((widget for widget in widgets if widget.isVisible()), key=lambda widget: widget.x())
    for one, other in pairwise(shown):
        assert one.geometry().right() < other.geometry().left(), (one, other)
    assert shown[-1].geometry().right() <= bar.width()
    assert bar.slider.width() >= (80 if recording and width == 640 else 160)
    assert bar.buttons["record"].isVisible()
    if width >= 1280:
        assert all(button.isVisible() for button in bar.buttons.values())
