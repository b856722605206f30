from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tmnet_app.main_window import MainWindow
from tmnet_core.models.branch import Branch


@pytest.fixture
def write_square(tmp_path: Path) -> Callable[[int], Path]:
    """A function that writes twelve seconds at 10 frames a second: a textured square over a textured ground, which
    goes so many pixels a frame, to and fro."""

    def write(speed: int) -> Path:
        rng = np.random.default_rng(0)
        ground = rng.integers(60, 120, (120, 160, 3), np.uint8)
        square = rng.integers(150, 250, (24, 24, 3), np.uint8)
        path = tmp_path / f"square {speed}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
            for number in range(120):
                picture = ground.copy()
                left = 30 + abs(number % 40 - 20) * speed
                picture[48:72, left : left + 24] = square
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return path

    return write


def open_motion(window: MainWindow, qtbot, video: Path) -> None:
    window.opener.open_checkpoint("stand-in.safetensors")
    window.opener.open_source(str(video))
    window.session.playback.set_speed(4.0)
    qtbot.waitUntil(lambda: bool(window.session.moment and window.session.moment.glance))
    window.stage.details.panels.buttons["motion"].click()


def test_nothing_is_analysed_before_somebody_looks(playing):
    assert playing.workbench.closer_look.analysis is None


def test_a_moving_square_is_found_and_compared_with_what_moved_before(window, qtbot, write_square):
    open_motion(window, qtbot, write_square(4))
    panel = window.workbench.closer_look.motion
    qtbot.waitUntil(lambda: "this stream" in panel.words.text(), timeout=15000)
    assert window.stage.input.region is not None
    assert panel.table.text("Agreement", "RB") != "–"
    assert panel.table.text("Active area", "CB").endswith("%")
    # The stand-in's map is warm in one corner alone, and the square never gets there.
    assert float(panel.table.text("Inside", "RB")) < 0.1
    window.stage.details.panels.buttons["speed"].click()
    qtbot.waitUntil(lambda: window.stage.input.region is None)


def test_a_recording_compares_with_what_the_screen_compares_with(window, qtbot, write_square, tmp_path):
    open_motion(window, qtbot, write_square(4))
    panel, exports = window.workbench.closer_look.motion, window.workbench.exports
    qtbot.waitUntil(lambda: "this stream" in panel.words.text(), timeout=15000)
    exports.start_recording(tmp_path / "numbers.csv")
    qtbot.waitUntil(lambda: exports.recorder.frames >= 4)
    window.actions_by_name["record"].trigger()
    qtbot.waitUntil(lambda: exports.recorder is None)
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        moving = [row for row in csv.DictReader(file) if row["motion"] == "motion"]
    assert moving
    assert "this stream" in moving[0]["against"]
    assert moving[0]["agreement RB"]


def test_a_still_camera_has_no_motion_which_is_not_zero(window, qtbot, write_square):
    open_motion(window, qtbot, write_square(0))
    panel = window.workbench.closer_look.motion
    qtbot.waitUntil(lambda: panel.words.text().startswith("No motion"))
    assert panel.table.text("Agreement", "RB") == "–"
    assert window.stage.input.region is None


def test_one_glance_is_set_against_the_last_frames(playing, qtbot, stand_in, write_square):
    rng = np.random.default_rng(0)
    glance = stand_in.glance

    def with_features(frame, **settings):
        seen = glance(frame, **settings)
        same = rng.random(8, np.float32)
        return replace(seen, features={Branch.RB: same, Branch.CB: same}, stages={"network": 10.0})

    stand_in.glance = with_features
    playing.opener.open_source(str(write_square(4)))
    panel = playing.workbench.closer_look.clip
    playing.stage.details.panels.buttons["clip"].click()
    # A busy machine shows fewer frames than the clip asks for.
    qtbot.waitUntil(lambda: panel.words.full_text[:1] in "345678" and " of 8 frames" in panel.words.full_text)
    assert panel.agreed == 1.0
    assert "Same answer 100 %" in panel.figures.full_text
    assert "RB's map and CB's mean map correlate: 1.00" in panel.figures.full_text
    assert [entry.rpartition(" ")[0] for entry in panel.legend.text.split(" · ")] == [
        "RB cosine",
        "CB cosine",
        "RB distance",
    ]
    assert 0 < float(panel.legend.text.partition(" · ")[0].split()[-1]) <= 1
    assert panel.table.text("Answer", "CB, the clip").startswith("wave")
    assert panel.table.text("Latency", "One glance") == "10.0 ms"
    assert float(panel.table.text("Latency", "CB, the clip").split()[0]) >= 30.0


def test_a_network_whose_clips_cannot_be_put_together_is_told(playing, qtbot):
    playing.stage.details.panels.buttons["clip"].click()
    panel = playing.workbench.closer_look.clip
    qtbot.waitUntil(lambda: "cannot be put together" in panel.words.full_text)


def test_the_panel_is_remembered(playing, open_window):
    playing.stage.details.panels.buttons["motion"].click()
    playing.close()
    assert open_window().stage.details.panels.current == "motion"
