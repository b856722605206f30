from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from tmnet_app.opening import Opener


@pytest.fixture
def shown(qtbot, window, monkeypatch):
    """A window after its first demo; nothing is really opened."""
    for name in ("open_checkpoint", "open_source"):
        # Of the class: PySide6 cannot connect a bound method that its object hides behind a function.
        monkeypatch.setattr(Opener, name, lambda self, path: None)
    window.opener.open_demo()
    return window


def test_the_first_demo_says_what_to_try_next(shown):
    assert shown.next_steps.isVisible()
    assert [button.text() for button in shown.next_steps.buttons.values()] == [
        "Use your camera",
        "Open your own video",
        "Train on your clips",
    ]


def test_the_cross_hides_it_for_good(qtbot, shown, open_window, store):
    qtbot.mouseClick(shown.next_steps.close_button, Qt.MouseButton.LeftButton)
    assert not shown.next_steps.isVisible()
    shown.opener.open_demo()
    assert not shown.next_steps.isVisible()
    shown.close()
    assert not store.load().next_steps


@pytest.mark.parametrize("name", ["open_camera", "open_video", "train"])
def test_doing_one_of_them_hides_it(shown, name, monkeypatch):
    monkeypatch.setattr("tmnet_app.opening.QFileDialog.getOpenFileName", lambda *_: ("", ""))
    shown.next_steps.buttons[name].click()
    assert not shown.next_steps.isVisible()
    assert not shown.preferences.next_steps


def test_it_is_not_in_the_way_of_a_presentation(shown):
    shown.present(True)
    assert not shown.next_steps.isVisible()
    shown.present(False)
