from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from tmnet_app.main_window import MainWindow
from tmnet_core.errors import EngineError
from tmnet_core.live.frames import Frame


@pytest.fixture
def scanned(open_window, stand_in, qtbot, make_video, tmp_path, monkeypatch) -> MainWindow:
    """A window whose network finds the first class in bright pictures and the last one in all others, and a film that
    is dark, then bright, then dark again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = tmp_path / "stand-in.safetensors"
    checkpoint.write_bytes(b"network")
    glance = stand_in.glance
    stand_in.looked = []

    def look(picture, **settings):
        frame = picture if isinstance(picture, Frame) else Frame(picture, 0, 0.0, 0.0)
        stand_in.looked.append(frame)
        values = np.full(5, 0.05, np.float32)
        values[0 if frame.image.mean() > 120 else 4] = 0.8
        stand_in.probabilities = values
        return glance(frame, **settings)

    stand_in.glance = look
    stand_in.look = lambda *args, **settings: None
    window = open_window()
    window.opener.open_checkpoint(str(checkpoint))
    window.opener.open_source(str(_film(tmp_path)))
    qtbot.waitUntil(lambda: bool(window.session.moment and window.session.moment.glance))
    return window


def _film(folder: Path, frames: int = 90) -> Path:
    path = folder / f"film of {frames}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = np.full((48, 64, 3), 200 if 30 <= number < 60 else 40, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def complete(window: MainWindow) -> bool:
    scan = window.workbench.timeline.scan
    return scan is not None and scan.complete and not window.workbench.timeline.running


def test_a_file_is_scanned_drawn_and_sought_in(scanned, qtbot):
    qtbot.waitUntil(lambda: complete(scanned))
    timeline = scanned.transport.timeline
    assert timeline.isVisible()
    spans = timeline.strip.spans
    assert [span.index for span in spans] == [4, 0, 4]
    assert spans[0].end == pytest.approx(30, abs=2)
    assert spans[1].end == pytest.approx(60, abs=2)
    assert spans[-1].end == timeline.strip.frames == 90
    assert timeline.strip.best is not None
    scanned.session.playback.pause()
    qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(timeline.width() // 2, 5))
    qtbot.waitUntil(lambda: abs(scanned.session.moment.frame.index - 45) <= 1)


def test_pointing_shows_the_frame_and_what_was_seen(scanned, qtbot):
    qtbot.waitUntil(lambda: complete(scanned))
    timeline, bubble = scanned.transport.timeline, scanned.workbench.timeline._bubble
    qtbot.mouseMove(timeline, QPoint(timeline.width() // 2, 5))
    qtbot.waitUntil(bubble.isVisible)
    assert bubble.words.text().endswith("brush hair 0.80")
    assert bubble.picture.pixmap().toImage().pixelColor(20, 20).lightness() > 150
    assert scanned.rect().contains(bubble.geometry())
    timeline.pointed_at.emit(-1)
    assert not bubble.isVisible()


def test_a_scan_is_kept(scanned, qtbot, stand_in):
    qtbot.waitUntil(lambda: complete(scanned))
    scanned.session.playback.pause()
    qtbot.waitUntil(lambda: scanned.session.moment.still)
    looked = len(stand_in.looked)
    scanned.actions_by_name["timeline"].trigger()
    assert not scanned.transport.timeline.isVisible()
    scanned.actions_by_name["timeline"].trigger()
    qtbot.waitUntil(lambda: complete(scanned))
    assert len(stand_in.looked) <= looked + 1
    assert scanned.transport.timeline.isVisible()


def test_mirroring_scans_anew(scanned, qtbot, stand_in):
    qtbot.waitUntil(lambda: complete(scanned))
    before = scanned.workbench.timeline.scan
    scanned.actions_by_name["mirror"].trigger()
    qtbot.waitUntil(lambda: complete(scanned) and scanned.workbench.timeline.scan is not before)


def test_a_scan_that_fails_is_told_and_the_film_plays_on(scanned, qtbot, stand_in):
    qtbot.waitUntil(lambda: complete(scanned))
    glance = stand_in.glance

    def fail(picture, **settings):
        if threading.current_thread().name == "tmnet-scan":
            raise EngineError("the device is gone")
        return glance(picture, **settings)

    stand_in.glance = fail
    scanned.actions_by_name["mirror"].trigger()
    qtbot.waitUntil(lambda: "the device is gone" in scanned.status.sentence)
    shown = scanned.session.moment
    qtbot.waitUntil(lambda: scanned.session.moment is not shown)


def test_a_film_of_one_frame_has_a_timeline_and_every_panel_bears_it(scanned, qtbot, tmp_path):
    scanned.opener.open_source(str(_film(tmp_path, frames=1)))
    qtbot.waitUntil(lambda: scanned.session.playback.frame_count == 1)
    qtbot.waitUntil(lambda: complete(scanned) and scanned.transport.timeline.strip.frames == 1)
    assert [(span.begin, span.end) for span in scanned.transport.timeline.strip.spans] == [(0, 1)]
    for button in scanned.stage.details.panels.buttons.values():
        button.click()
    scanned.stage.details.panels.buttons["motion"].click()
    qtbot.waitUntil(lambda: scanned.workbench.closer_look.motion.words.text().startswith("No frame before"))
    qtbot.mouseMove(scanned.transport.timeline, QPoint(50, 5))
    qtbot.waitUntil(scanned.workbench.timeline._bubble.isVisible)


def test_no_timeline_without_a_network_that_can_scan(playing):
    assert not playing.transport.timeline.isVisible()
