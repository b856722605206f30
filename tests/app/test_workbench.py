from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider

from tmnet_app.main_window import MainWindow


def act(window: MainWindow, name: str) -> None:
    window.actions_by_name[name].trigger()


# How attention is shown


def test_the_controls_change_the_pictures_at_once_and_are_remembered(playing, open_window, qtbot):
    act(playing, "attention_settings")
    controls = playing.workbench.controls
    assert controls.isVisible()
    act(playing, "play")
    qtbot.waitUntil(lambda: playing.session.moment.still)
    before = playing.stage.panes["rb"].view.grab().toImage()
    controls.findChild(object, "colours").buttons["viridis"].click()
    assert playing.stage.panes["rb"].view.grab().toImage() != before
    controls.findChild(object, "third").buttons["difference"].click()
    assert playing.stage.shown_maps["both"].difference
    slider = next(s for s in controls.findChildren(QAbstractSlider) if s.accessibleName() == "Contour")
    slider.setValue(50)
    qtbot.keyClick(controls, Qt.Key.Key_Escape)
    assert not controls.isVisible()
    playing.close()
    again = open_window().preferences.attention_views
    assert (again.colours, again.third, again.contour) == ("viridis", "difference", 0.5)


def test_one_picture_can_fill_the_window(playing, qtbot):
    pane = playing.stage.panes["cb"]
    small = pane.width()
    qtbot.mouseDClick(pane.title, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert pane.width() > 1.5 * small
    assert not playing.stage.panes["rb"].isVisible()
    assert not playing.stage.details.isVisible()
    act(playing, "leave")
    assert playing.stage.panes["rb"].isVisible()
    assert pane.width() == small
    act(playing, "fill")
    assert playing.stage.alone is not None
    act(playing, "fill")
    assert playing.stage.alone is None


def test_the_difference_is_named(playing):
    playing.workbench.controls.findChild(object, "third").buttons["difference"].click()
    assert playing.stage.panes["both"].title.name == "RB \u2212 CB"


def test_every_tool_has_a_name_and_a_tooltip(playing):
    act(playing, "attention_settings")
    for button in playing.stage.details.panels.buttons.values():
        button.click()
        for parent in (playing.stage.details, playing.workbench.controls):
            for control in parent.findChildren(QAbstractButton) + parent.findChildren(QAbstractSlider):
                if control.isVisible() and not control.objectName().startswith("qt_"):
                    assert control.toolTip(), (control, control.accessibleName())
                    assert control.accessibleName() or control.text(), control
    playing.workbench.controls.hide()
