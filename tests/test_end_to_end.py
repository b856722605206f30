"""From a folder of clips to a window that looks at a video with what was learned from them."""

from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QSettings

from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_app.preferences import PreferenceStore
from tmnet_core.config import Recipe
from tmnet_core.models.branch import Branch
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, coloured_clips: Path) -> Path:
    """A network that has learned to tell three colours of noise."""
    recipe = Recipe.model_validate(
        {
            "name": "colours",
            "model": {"backbone": "resnet18", "dropout": 0.0},
            "data": {"root": str(coloured_clips), "validation_fraction": 0.34, "cache": "memory"},
            "start": {"weights": "none"},
            "clip": {"frames": 2, "size": 32},
            "optimizer": {"name": "adamw", "learning_rate": 0.001},
            "schedule": {"iterations": 12, "kind": "cosine"},
            "training": {"batch_size": 6, "device": "cpu", "workers": 0, "validate_every": 6},
        }
    )
    torch.set_num_threads(1)
    run = RunFolder.create(tmp_path_factory.mktemp("runs"), recipe)
    assert train(recipe, run).outcome == "finished"
    return run.best_checkpoint


@pytest.fixture
def window(qtbot, tmp_path: Path):
    store = PreferenceStore(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))
    window = MainWindow(LiveSession(), store)
    qtbot.addWidget(window)
    window.show()
    window.session.start()
    yield window
    window.close()


def wait_for_glance(qtbot, window: MainWindow) -> None:
    qtbot.waitUntil(
        lambda: window.session.moment is not None and window.session.moment.glance is not None, timeout=60_000
    )


def test_what_was_learned_is_seen_in_the_window(
    qtbot, window: MainWindow, checkpoint: Path, coloured_clips: Path
) -> None:
    window.opener.open_checkpoint(str(checkpoint))
    window.opener.open_source(str(coloured_clips / "green" / "green_0.mp4"))
    wait_for_glance(qtbot, window)
    glance = window.session.moment.glance
    for branch in Branch:
        assert glance.probabilities[branch].argmax() == window.session.header.classes.index("green"), branch


def test_it_looks_at_a_real_video(qtbot, window: MainWindow, checkpoint: Path, shared_data: Path) -> None:
    window.opener.open_checkpoint(str(checkpoint))
    window.opener.open_source(str(shared_data / "demo" / "ucf101_samples" / "v_BaseballPitch_g01_c01.avi"))
    wait_for_glance(qtbot, window)
    moment = window.session.moment
    assert moment.frame.image.shape == (240, 320, 3)
    assert {branch: maps.shape[0] for branch, maps in moment.glance.maps.items()} == {Branch.RB: 3, Branch.CB: 3}
    window.session.playback.pause()
    window.session.playback.seek(20)
    qtbot.waitUntil(lambda: window.session.moment.frame.index == 20, timeout=10_000)
