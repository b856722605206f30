from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication

from tmnet_app.main_window import MainWindow
from tmnet_app.screenshot import Animator, Screenshooter


@pytest.fixture
def exit_codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the program would have ended with."""
    codes: list[int] = []
    monkeypatch.setattr(QApplication, "exit", codes.append)
    return codes


def test_an_animation_of_the_window_is_saved(qtbot, playing: MainWindow, tmp_path: Path, exit_codes: list[int]) -> None:
    Animator(playing, tmp_path / "window.webp", seconds=0.5)
    qtbot.waitUntil(lambda: bool(exit_codes), timeout=20_000)
    assert exit_codes == [0]
    with Image.open(tmp_path / "window.webp") as picture:
        assert picture.format == "WEBP"
        assert picture.width == 960
        # WebP joins frames that are alike, so not all four need be there.
        assert 2 <= picture.n_frames <= 4


def test_a_screenshot_shows_the_second_asked_for(
    qtbot, playing: MainWindow, tmp_path: Path, exit_codes: list[int]
) -> None:
    Screenshooter(playing, tmp_path / "window.png", second=0.4, presentation=False)
    qtbot.waitUntil(lambda: bool(exit_codes), timeout=20_000)
    assert exit_codes == [0]
    assert playing.session.moment.frame.time >= 0.4
    with Image.open(tmp_path / "window.png") as picture:
        assert picture.size == (playing.width(), playing.height())
