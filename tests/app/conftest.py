"""Fixtures of the window's tests: a stand-in network, settings of their own, and a watch for timers."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_app.preferences import PreferenceStore
from tmnet_core.checkpoint import CheckpointHeader, Provenance
from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Crop, Preprocessing
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.sources import FrameSource, open_source
from tmnet_core.models.branch import Branch

CLASSES = ["brush_hair", "catch", "clap", "jump", "wave"]


class StandIn:
    """In place of a network: probabilities that the test sets, maps that are warm in one corner."""

    engine = "stand-in"

    def __init__(self, branches: tuple[Branch, ...] = tuple(Branch), classes: list[str] = CLASSES) -> None:
        self.branches = branches
        self.classes = classes
        self.header = CheckpointHeader(
            model=ModelConfig(),
            classes=classes,
            preprocessing=Preprocessing(),
            provenance=Provenance(tmnet="0", torch="0", seed=0, created="2026-01-01"),
        )
        self.probabilities = np.linspace(0.1, 0.3, len(classes), dtype=np.float32)
        self.seen: list[Frame] = []
        self.settings: list[tuple[bool, Crop | None]] = []

    def glance(self, frame: Frame, *, mirror: bool = False, crop: Crop | None = None) -> Glance:
        self.seen.append(frame)
        self.settings.append((mirror, crop))
        preprocessing = self.header.preprocessing
        if crop is not None:
            preprocessing = preprocessing.model_copy(update={"crop": crop})
        height, width = frame.image.shape[:2]
        maps = np.zeros((len(self.classes), 4, 4), np.float32)
        maps[:, 0, 0] = 1.0
        return Glance(
            frame,
            preprocessing.place(width, height, mirror=mirror),
            dict.fromkeys(self.branches, self.probabilities),
            {branch: maps for branch in self.branches if branch is not Branch.FUSED},
            {},
            time.perf_counter(),
        )


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def make_stand_in() -> type[StandIn]:
    return StandIn


@pytest.fixture
def store(tmp_path: Path) -> PreferenceStore:
    """Settings that are not the user's."""
    return PreferenceStore(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def open_window(qtbot, store: PreferenceStore, stand_in: StandIn) -> Iterator[Callable[..., MainWindow]]:
    """A function that opens the window; checkpoints whose name says `bad` cannot be loaded."""
    windows: list[MainWindow] = []

    def load(path: str) -> StandIn:
        if "bad" in path:
            raise ValueError("it is bad")
        return stand_in

    def make(
        store: PreferenceStore = store, load_model=load, open_frames: Callable[[str], FrameSource] = open_source
    ) -> MainWindow:
        window = MainWindow(LiveSession(load_model, open_frames), store)
        qtbot.addWidget(window)
        windows.append(window)
        window.show()
        window.session.start()
        return window

    yield make
    for window in windows:
        window.close()


@pytest.fixture
def window(open_window) -> MainWindow:
    return open_window()


@pytest.fixture
def playing(qtbot, window: MainWindow, make_video) -> MainWindow:
    """A window with the stand-in looking at a video of 30 frames."""
    window.opener.open_checkpoint("stand-in.safetensors")
    window.opener.open_source(str(make_video(size=(160, 120))))
    qtbot.waitUntil(
        lambda: bool(window.session.playback.source and window.session.moment and window.session.moment.glance)
    )
    return window


@pytest.fixture(autouse=True)
def _no_timer_left(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves a timer running; automatic, so it is torn down after the windows."""
    yield
    running = [thing for thing in gc.get_objects() if type(thing) is QTimer and _is_active(thing)]
    assert not running, f"timers left running: {[timer.parent() for timer in running]}"


def _is_active(timer: QTimer) -> bool:
    try:
        return timer.isActive()
    except RuntimeError:  # its C++ part is gone
        return False
