"""What the window says and does while its source opens, stalls, is lost, and comes back."""

from __future__ import annotations

import csv
import json
import threading
import time
from itertools import pairwise

import numpy as np

from tmnet_app.main_window import MainWindow
from tmnet_core.errors import SourceError, SourceLostError
from tmnet_core.live.frames import Frame
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.sources import CameraInfo, FrameSource, PatternSource, read_pattern_number
from tmnet_core.live.sources.remote import ReaderPool, ReaderProcess, RemoteSource


class _Camera(FrameSource):
    """A camera whose moods a test sets: `on`, `silent` or `gone`."""

    live = True
    title, width, height, fps = "Desk camera", 64, 48, 100.0

    def __init__(self) -> None:
        self.mood = "on"
        self.reads = 0

    def read(self) -> Frame:
        while self.mood == "silent":
            time.sleep(0.01)
        if self.mood == "gone":
            raise SourceLostError("Camera 0 gives no picture any more: it may have been unplugged.")
        time.sleep(0.01)
        self.reads += 1
        return Frame(np.full((48, 64, 3), self.reads % 256, np.uint8), self.reads, 0.0, time.perf_counter())

    def interrupt(self) -> None:
        self.mood = "gone"

    def close(self) -> None:
        self.mood = "gone"


def test_a_camera_that_is_unplugged_is_told_of_and_comes_back(qtbot, open_window) -> None:
    cameras: list[_Camera] = []
    plugged_in = True

    def open_camera(_: str) -> FrameSource:
        if not plugged_in:
            raise SourceError("There is no camera 0.")
        cameras.append(_Camera())
        return cameras[-1]

    window = open_window(open_frames=open_camera)
    session, view = window.session, window.stage.panes["input"].view
    window.opener.open_source("camera:0")
    qtbot.waitUntil(lambda: session.moment is not None)
    cameras[0].mood = "silent"
    qtbot.waitUntil(lambda: view.words.startswith("Stalled for"))
    assert window.status.state.full_text.startswith("Stalled for 1 s: no picture comes · Desk camera")
    plugged_in, cameras[0].mood = False, "gone"
    qtbot.waitUntil(lambda: "There is no camera 0." in view.words)
    assert view.words.startswith("Reconnecting: try ")
    plugged_in, back = True, time.perf_counter()
    qtbot.waitUntil(lambda: session.playback.state is PlaybackState.PLAYING, timeout=6000)
    assert time.perf_counter() - back < 3.0
    qtbot.waitUntil(lambda: view.words == "")


def test_opening_can_be_cancelled_and_leaves_what_was_there(qtbot, open_window) -> None:
    asked, proceed = threading.Event(), threading.Event()

    def open_slowly(spec: str) -> FrameSource:
        if spec == "pattern":
            return PatternSource()
        asked.set()
        proceed.wait(30)
        raise SourceError("Too late.")

    window = open_window(open_frames=open_slowly)
    window.opener.open_source("pattern")
    qtbot.waitUntil(lambda: window.session.moment is not None)
    window.opener.open_source("rtsp://anna:s3cret@door/live?key=s3cret")
    assert asked.wait(10)
    assert window.status.cancel.isVisible()
    assert window.status.state.full_text.startswith("Opening rtsp://door/live …")
    before = time.perf_counter()
    window.status.cancel.click()
    assert time.perf_counter() - before < 0.5
    assert (window.session.playback.opening, window.session.playback.source) == ("", "pattern")
    assert not window.status.cancel.isVisible()
    proceed.set()
    qtbot.wait(50)
    assert window.status.sentence == ""


def test_a_source_that_failed_plays_again_on_play(qtbot, open_window) -> None:
    class Torn(PatternSource):
        def read(self) -> Frame | None:
            if self._next >= 100 and not mended:
                raise SourceError("The disk was pulled out.")
            return super().read()

    mended = False
    window = open_window(open_frames=lambda _: Torn("pattern:64x48@100#500"))
    window.opener.open_source("pattern")
    qtbot.waitUntil(lambda: window.session.playback.state is PlaybackState.FAILED)
    qtbot.waitUntil(lambda: window.status.sentence == "The disk was pulled out.")
    qtbot.waitUntil(lambda: "Play tries again" in window.stage.panes["input"].view.words)
    mended = True
    window.actions_by_name["play"].trigger()
    qtbot.waitUntil(lambda: window.session.playback.state is PlaybackState.PLAYING)
    assert window.status.sentence == ""


def test_every_frame_reaches_the_screen(qtbot, open_window) -> None:
    window = open_window(open_frames=lambda _: PatternSource("pattern:64x48@100#25"))
    window.actions_by_name["loop"].setChecked(False)
    window.actions_by_name["every_frame"].setChecked(True)
    window.opener.open_checkpoint("stand-in")
    qtbot.waitUntil(lambda: window.session.model is not None)
    seen: list[int] = []
    window.session.add_viewer(lambda moment: seen.append(read_pattern_number(moment.frame.image)))
    window.opener.open_source("pattern")
    qtbot.waitUntil(lambda: window.session.playback.state is PlaybackState.ENDED and 24 in seen)
    assert [number for place, number in enumerate(seen) if number not in seen[:place]] == list(range(25))
    assert window.session.drops.inference == window.session.drops.display == window.session.drops.capture == 0


def test_timing_is_saved_with_drops_by_cause(qtbot, playing: MainWindow, tmp_path) -> None:
    session = playing.session
    qtbot.waitUntil(lambda: len(session.painted.timing) > 3)
    session.playback.pause()
    for name in ("timing.csv", "timing.json"):
        session.painted.timing.write(tmp_path / name)
    rows = list(csv.DictReader((tmp_path / "timing.csv").open()))
    assert [int(row["frame"]) for row in rows] == [
        row["frame"] for row in json.loads((tmp_path / "timing.json").read_text())
    ]
    assert all(0 < float(row["glanced_ms"]) < float(row["shown_ms"]) for row in rows)
    assert int(rows[-1]["dropped_network"]) <= session.drops.inference


def test_the_menus_offer_every_kind_of_source(qtbot, window: MainWindow, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(window.opener, "open_source", opened.append)
    cameras = [CameraInfo(0, "Desk & door"), CameraInfo(2, "Twin"), CameraInfo(4, "Twin")]
    monkeypatch.setattr("tmnet_app.opening.list_cameras", lambda: cameras)
    menu = window.top_bar.camera.menu()
    menu.aboutToShow.emit()
    for action in menu.actions():
        action.menu().actions()[1].trigger() if action.menu() else action.trigger()
    mode = "size=1280x720&fps=30&format=MJPG"
    names = ["camera:Desk & door", "camera:2", "camera:4"]
    assert opened == names + [f"{name}?{mode}" for name in names]
    menu = window.top_bar.open.menu()
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts[:5] == ["Open video…", "Open folder of images…", "Open stream…", "Screen", "Test pattern"]


def test_passwords_are_not_kept(qtbot, open_window) -> None:
    window = open_window(open_frames=lambda _: PatternSource())
    window.opener.open_source("http://anna:s3cret@door/live.mjpg?token=s3cret")
    qtbot.waitUntil(lambda: window.session.playback.source != "")
    assert window.preferences.recent_sources[0] == "http://door/live.mjpg"
    assert "s3cret" not in window.windowTitle() + window.status.state.full_text


def test_the_window_goes_on_while_its_reader_is_replaced(qtbot, open_window) -> None:
    """With the processes that the application uses: one aborts on purpose, the next one takes over."""
    faulty = "tmnet_core.benchmarks.robustness.faulty_reader"
    window = open_window(open_frames=lambda spec: RemoteSource(spec, lambda: ReaderProcess(faulty)))
    window.actions_by_name["loop"].setChecked(False)
    window.opener.open_source("faulty:abort@20:pattern:64x48@30#60")
    qtbot.waitUntil(lambda: window.session.playback.state is PlaybackState.RECONNECTING, timeout=30_000)
    ticks: list[float] = []
    window.session.ticked.connect(ticks.append)
    qtbot.waitUntil(lambda: window.session.playback.state is PlaybackState.ENDED, timeout=60_000)
    assert window.session.playback.position == 59
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 1.0


def test_a_pool_serves_the_window(qtbot, open_window) -> None:
    pool = ReaderPool()
    pool.prepare()
    window = open_window(open_frames=pool.open)
    window.opener.open_source("pattern")
    qtbot.waitUntil(lambda: window.session.moment is not None, timeout=30_000)
    window.close()
    pool.close()
