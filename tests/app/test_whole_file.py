from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from tmnet_app.live_session import EngineChoice
from tmnet_app.main_window import MainWindow
from tmnet_core.attention import render
from tmnet_core.attention.render import Rendered
from tmnet_core.errors import TMNetError


@pytest.fixture
def exporting(playing, monkeypatch, tmp_path) -> MainWindow:
    """A window whose dialogs answer with `out.mp4`."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "out.mp4"), ""))
    return playing


def test_what_is_shown_is_what_is_exported(exporting, qtbot, monkeypatch, tmp_path):
    asked: list[tuple] = []

    def render_file(checkpoint, video, out, options, *, second, progress, stop, **where):
        assert second is None
        asked.append((checkpoint, video, out, options))
        progress(30, 30)
        return Rendered(out, 30, 30)

    monkeypatch.setattr(render, "render_file", render_file)
    exporting.stage.details.bars.pin(1)
    exporting.actions_by_name["pane_both"].setChecked(False)
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "30 of 30 frames" in exporting.status.sentence)
    checkpoint, video, out, options = asked[0]
    assert (checkpoint, out) == (Path("stand-in.safetensors"), tmp_path / "out.mp4")
    assert video.name == "clip.mp4"
    assert options.class_name == "catch"
    assert not options.third


def test_an_export_computes_with_what_the_window_computes_with(exporting, qtbot, monkeypatch):
    asked: list[dict] = []

    def render_file(checkpoint, video, out, options, **how):
        asked.append(how)
        return Rendered(out, 30, 30)

    monkeypatch.setattr(render, "render_file", render_file)
    exporting.session.engine = EngineChoice("torch", "cpu")
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "30 of 30 frames" in exporting.status.sentence)
    assert (asked[0]["engine"], asked[0]["device"]) == ("torch", "cpu")


def test_a_name_keeps_what_looks_like_an_ending(exporting, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(tmp_path / "take.v2"), ""))
    monkeypatch.setattr(render, "render_file", lambda *args, **settings: Rendered(args[2], 30, 30))
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "take.v2.mp4: 30 of 30 frames" in exporting.status.sentence)


def test_a_second_network_is_exported_with_the_first(exporting, qtbot, monkeypatch, tmp_path):
    asked: list[Path] = []

    def render_file(checkpoint, video, out, options, *, second, progress, stop, **where):
        asked.append(second)
        return Rendered(out, 30, 30)

    monkeypatch.setattr(render, "render_file", render_file)
    exporting.workbench.comparison.open("other.safetensors")
    qtbot.waitUntil(lambda: exporting.session.moment.second is not None)
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "30 of 30 frames" in exporting.status.sentence)
    assert asked == [Path("other.safetensors")]


def test_an_export_tells_how_far_it_is_and_can_be_stopped(exporting, qtbot, monkeypatch):
    def render_file(checkpoint, video, out, options, *, second, progress, stop: threading.Event, **where):
        progress(3, 30)
        assert stop.wait(10)
        return Rendered(out, 3, 30, stopped=True)

    monkeypatch.setattr(render, "render_file", render_file)
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "10 %, frame 3 of 30" in exporting.status.sentence)
    assert exporting.actions_by_name["render"].text() == "Stop the export"
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "stopped after 3 of 30 frames, which play" in exporting.status.sentence)
    assert not exporting.workbench.whole_file.running


def test_an_export_that_fails_says_why(exporting, qtbot, monkeypatch):
    def render_file(*args, **settings):
        raise TMNetError("the disk is full")

    monkeypatch.setattr(render, "render_file", render_file)
    exporting.actions_by_name["render"].trigger()
    qtbot.waitUntil(lambda: "the disk is full" in exporting.status.sentence)


def test_without_a_file_there_is_nothing_to_export(window):
    window.actions_by_name["render"].trigger()
    assert "Open a video file" in window.status.sentence
