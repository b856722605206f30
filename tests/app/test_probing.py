from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from tmnet_app.main_window import MainWindow
from tmnet_app.painted_region import PaintedRegion
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.models.branch import Branch


@pytest.fixture
def probing(playing, qtbot, stand_in) -> MainWindow:
    """A paused window whose network says of the last class, which leads, how bright the picture is."""

    def look(images, branches=None, *, maps=True) -> EngineOutputs:
        bright = images.reshape(len(images), -1).mean(axis=1, dtype=np.float32) / 255.0
        values = np.zeros((len(images), len(stand_in.classes)), np.float32)
        values[:, -1] = bright
        return EngineOutputs(dict.fromkeys(branches, values), {}, {})

    stand_in.look = look
    stand_in.preprocessing = stand_in.header.preprocessing
    playing.actions_by_name["play"].trigger()
    qtbot.waitUntil(lambda: playing.session.moment.still)
    playing.stage.details.panels.buttons["probe"].click()
    return playing


def paint(window: MainWindow, qtbot, button=Qt.MouseButton.LeftButton) -> None:
    view = window.stage.panes["rb"].view
    middle = view.rect().center()
    qtbot.mousePress(view, button, pos=middle)
    qtbot.mouseMove(view, middle + QPoint(10, 0))
    qtbot.mouseRelease(view, button, pos=middle + QPoint(10, 0))


def test_painting_takes_away_and_both_branches_are_asked_again(probing, qtbot, stand_in):
    panel = probing.workbench.probing.panel
    paint(probing, qtbot)
    qtbot.waitUntil(lambda: bool(panel.bars.text()))
    region = probing.workbench.probing.region
    assert 0.005 < region.mask.mean() < 0.1
    assert probing.stage.link.region is not None
    assert panel.bars.text().split(":")[1].count(" to ") == 2
    erased = panel.bars.after(Branch.RB, 4)
    panel.how.buttons["mean"].click()
    qtbot.waitUntil(lambda: panel.bars.after(Branch.RB, 4) != erased)
    paint(probing, qtbot, Qt.MouseButton.RightButton)
    assert region.mask.mean() == 0
    paint(probing, qtbot)
    panel.clear_button.click()
    assert region.empty
    assert probing.stage.link.region is None
    assert not panel.bars.text()


def test_painting_ends_with_the_panel(probing, qtbot):
    paint(probing, qtbot)
    probing.stage.details.panels.buttons["speed"].click()
    assert probing.stage.link.region is None
    mask = probing.workbench.probing.region.mask.copy()
    paint(probing, qtbot)
    np.testing.assert_array_equal(probing.workbench.probing.region.mask, mask)


def test_maps_are_checked_by_deletion_and_insertion(probing, qtbot):
    panel = probing.workbench.probing.panel
    assert not panel.graph.isVisible()
    panel.check_button.click()
    qtbot.waitUntil(panel.graph.isVisible)
    assert "deletion RB" in panel.words.text()
    assert panel.check_button.text() == "Check"


def test_a_check_names_the_class_of_each_branch(probing, qtbot, stand_in):
    panel, probe = probing.workbench.probing.panel, probing.workbench.probing
    panel.check_button.click()
    qtbot.waitUntil(panel.graph.isVisible)
    assert panel.words.text().startswith("Areas for wave: deletion RB")
    panel.clear_button.click()
    probing.stage.first.shown["cb"] = replace(probing.stage.first.shown["cb"], index=1)
    probe.check()
    qtbot.waitUntil(panel.graph.isVisible)
    assert panel.words.text().startswith("Areas for wave (RB), catch (CB): deletion RB")


def test_a_check_can_be_stopped(probing, qtbot, stand_in):
    panel, gate, look = probing.workbench.probing.panel, threading.Event(), stand_in.look

    def slow(images, branches=None, *, maps=True):
        gate.wait(5)
        return look(images, branches)

    stand_in.look = slow
    panel.check_button.click()
    qtbot.waitUntil(lambda: panel.check_button.text().startswith("Stop"))
    panel.check_button.click()
    gate.set()
    qtbot.waitUntil(lambda: panel.check_button.text() == "Check")
    assert not panel.graph.isVisible()


@pytest.mark.parametrize("asked", ["clear", "source"])
def test_a_check_ends_with_what_it_looks_at(probing, qtbot, stand_in, monkeypatch, asked):
    panel, gate, look = probing.workbench.probing.panel, threading.Event(), stand_in.look
    asked_for = threading.Event()

    def slow(images, branches=None, *, maps=True):
        asked_for.set()
        gate.wait(5)
        return look(images, branches)

    stand_in.look = slow
    shown = []
    monkeypatch.setattr(panel, "show_check", lambda *found: shown.append(found))
    panel.check_button.click()
    qtbot.waitUntil(asked_for.is_set)
    if asked == "clear":
        panel.clear_button.click()
    else:
        with qtbot.waitSignal(probing.session.source_opened):
            probing.opener.open_source(probing.session.playback.source)
    gate.set()
    qtbot.waitUntil(lambda: panel.check_button.text() == "Check")
    assert not shown
    assert not panel.graph.isVisible()


def test_a_network_that_fails_is_told(probing, qtbot, stand_in):
    def fail(*args, **settings):
        raise RuntimeError("boom")

    stand_in.look = fail
    paint(probing, qtbot)
    qtbot.waitUntil(lambda: "boom" in probing.workbench.probing.panel.words.text())


def test_a_network_that_cannot_be_probed_is_told(playing, qtbot):
    playing.stage.details.panels.buttons["probe"].click()
    paint(playing, qtbot)
    assert playing.workbench.probing.panel.words.text() == "This network cannot be probed."


def test_a_region_keeps_its_place_at_every_size():
    region = PaintedRegion()
    region.fit(320, 240)
    region.stroke(0.25, 0.5, paint=True, begins=True, radius=0.1)
    for size in ((320, 240), (640, 480), (33, 25)):
        over = region.over(*size)
        assert over.shape == size[::-1]
        rows, columns = np.nonzero(over > 0.5)
        assert columns.mean() / size[0] == pytest.approx(0.25, abs=0.03)
        assert rows.mean() / size[1] == pytest.approx(0.5, abs=0.03)
    region.fit(320, 320)
    assert region.empty
