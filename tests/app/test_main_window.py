from __future__ import annotations

import math
import re
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QLabel

from tmnet_app.dialogs.preferences_dialog import PreferencesDialog
from tmnet_app.dialogs.shortcuts_dialog import ShortcutsDialog
from tmnet_app.main_window import MainWindow
from tmnet_app.views.rate_graphs import Rates
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.predictor import GlancePredictor
from tmnet_core.live.timing import Drops
from tmnet_core.models.branch import Branch


def act(window: MainWindow, name: str) -> None:
    window.actions_by_name[name].trigger()


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    window.dropEvent(
        QDropEvent(
            QPointF(10, 10),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def glanced(window: MainWindow) -> bool:
    return window.session.moment is not None and window.session.moment.glance is not None


def index(window: MainWindow) -> int:
    return -1 if window.session.moment is None else window.session.moment.frame.index


# Opening


def test_an_empty_window_teaches(window):
    assert window.empty.isVisible()
    assert not window.transport.isVisible()
    assert window.status.state.full_text == "Nothing is open yet"


def test_a_dropped_checkpoint_and_video_are_looked_at(window, qtbot, make_video, stand_in):
    drop(window, Path("somewhere/stand-in.safetensors"), make_video("é clip.mp4"))
    qtbot.waitUntil(lambda: glanced(window))
    assert window.stage.isVisible()
    assert "é clip" in window.windowTitle()
    assert window.status.engine.text() == "stand-in"
    assert window.top_bar.model.text() == stand_in.header.title


def test_a_video_plays_without_a_network(window, qtbot, make_video):
    window.opener.open_source(str(make_video()))
    qtbot.waitUntil(lambda: index(window) > 0)
    assert window.stage.panes["rb"].view.words == "No network yet"
    assert math.isnan(window.session.rates.glance)
    assert window.stage.details.hint.isVisible()


def test_while_the_first_network_loads_the_window_says_so(open_window, make_stand_in, qtbot, make_video):
    gate = threading.Event()
    window = open_window(load_model=lambda path: gate.wait(10) and make_stand_in())
    window.opener.open_source(str(make_video()))
    window.opener.open_checkpoint("some/net.safetensors")
    qtbot.waitUntil(lambda: index(window) >= 0)
    assert window.stage.panes["cb"].view.words == "Loading net.safetensors …"
    assert window.stage.details.hint.words.text() == "Loading net.safetensors …"
    gate.set()
    qtbot.waitUntil(lambda: glanced(window))
    assert not window.stage.panes["cb"].view.words


def test_opened_things_are_in_the_menus(playing):
    playing.top_bar.open.menu().aboutToShow.emit()
    texts = [action.text() for action in playing.top_bar.open.menu().actions()]
    assert "clip.mp4" in texts
    assert "stand-in.safetensors" in texts


def test_a_menu_entry_opens_again(playing, qtbot):
    playing.top_bar.open.menu().aboutToShow.emit()
    entry = next(action for action in playing.top_bar.open.menu().actions() if action.text() == "clip.mp4")
    with qtbot.waitSignal(playing.session.source_opened):
        entry.trigger()


def test_a_bad_checkpoint_is_told_in_a_sentence_and_the_network_stays(playing, qtbot, stand_in):
    with qtbot.waitSignal(playing.session.failed):
        playing.opener.open_checkpoint("bad.safetensors")
    assert playing.status.sentence == "The checkpoint could not be loaded: it is bad."
    assert playing.session.model is stand_in
    seen = len(stand_in.seen)
    qtbot.waitUntil(lambda: len(stand_in.seen) > seen)
    playing.status.message.copy.click()
    assert "ValueError" in QGuiApplication.clipboard().text()
    playing.status.message.close_button.click()
    assert not playing.status.sentence


def test_a_bad_source_is_told_in_a_sentence_and_the_old_one_plays_on(playing, qtbot, tmp_path):
    before = playing.session.playback.source
    with qtbot.waitSignal(playing.session.failed):
        drop(playing, tmp_path / "there is none.mp4")
    assert "there is none.mp4" in playing.status.sentence
    assert playing.session.playback.source == before
    assert playing.session.playback.playing


@pytest.mark.parametrize("content", ["of something else", "damaged"])
def test_an_onnx_file_that_is_no_export_is_refused_in_a_sentence(open_window, qtbot, tmp_path, content):
    path = tmp_path / "other.onnx"
    path.write_bytes(b"no ONNX file at all")
    reason = "it is damaged or no ONNX file"
    if content == "of something else":
        values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
        node = onnx.helper.make_node("Relu", ["x"], ["y"])
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:])), path)
        reason = "an ONNX file, but not one of TMNet (it has no tmnet header)"
    window = open_window(load_model=lambda file: GlancePredictor.from_file(file, "cpu"))
    with qtbot.waitSignal(window.session.failed):
        window.opener.open_checkpoint(str(path))
    assert window.status.sentence == f"Checkpoint {path}: {reason}."


def test_not_a_video_is_refused(window, qtbot, tmp_path):
    (tmp_path / "text.pdf").write_text("hello")
    with qtbot.waitSignal(window.session.failed):
        drop(window, tmp_path / "text.pdf")
    assert "text.pdf" in window.status.sentence
    assert window.empty.isVisible()


def test_a_network_that_fails_at_a_frame_is_told_and_the_picture_goes_on(playing, qtbot, stand_in):
    def fail(*args, **settings):
        raise RuntimeError("boom")

    with qtbot.waitSignal(playing.session.failed):
        stand_in.glance = fail
    assert playing.status.sentence == "The network could not look at a frame: boom."
    qtbot.waitUntil(lambda: not glanced(playing))
    shown = index(playing)
    qtbot.waitUntil(lambda: index(playing) != shown)


def test_a_checkpoint_without_rb_says_so_and_the_layout_stays(open_window, make_stand_in, qtbot, make_video):
    window = open_window(load_model=lambda path: make_stand_in((Branch.CB,)))
    window.opener.open_source(str(make_video()))
    qtbot.waitUntil(lambda: index(window) >= 0)
    before = window.stage.panes["rb"].geometry()
    window.opener.open_checkpoint("tsn.safetensors")
    qtbot.waitUntil(lambda: glanced(window))
    assert window.stage.panes["rb"].view.words == "This checkpoint has no RB."
    assert window.stage.panes["rb"].title.answer == "–"
    assert window.stage.panes["cb"].view.words == ""
    assert window.stage.panes["rb"].geometry() == before


def test_another_network_with_other_classes_takes_over(open_window, make_stand_in, qtbot, make_video):
    models = {"one": make_stand_in(), "two": make_stand_in(classes=["left", "right"])}
    window = open_window(load_model=lambda path: models[Path(path).stem])
    window.opener.open_source(str(make_video()))
    for name in ("one", "two", "one", "two"):
        with qtbot.waitSignal(window.session.checkpoint_loaded):
            window.opener.open_checkpoint(f"{name}.safetensors")
    qtbot.waitUntil(lambda: window.stage.details.bars.order == (1, 0))


# Playing


def test_pause_step_and_seek(playing, qtbot):
    act(playing, "play")
    qtbot.waitUntil(lambda: playing.session.playback.state is PlaybackState.PAUSED)
    playing.session.playback.seek(10)
    qtbot.waitUntil(lambda: index(playing) == 10)
    act(playing, "step_forward")
    qtbot.waitUntil(lambda: index(playing) == 11)
    act(playing, "step_back")
    qtbot.waitUntil(lambda: index(playing) == 10)
    assert playing.transport.slider.value() == 10
    assert playing.transport.time.text() == "00:00.3 / 00:01.0"
    assert "Paused" in playing.status.state.full_text
    assert playing.actions_by_name["play"].text() == "Play"


def test_clicking_the_slider_goes_there(playing, qtbot):
    act(playing, "play")
    slider = playing.transport.slider
    qtbot.mouseClick(slider, Qt.MouseButton.LeftButton, pos=slider.rect().center())
    qtbot.waitUntil(lambda: abs(index(playing) - 15) <= 1)


def test_keys(playing, qtbot):
    playing.activateWindow()
    playing.setFocus()
    qtbot.keyClick(playing, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: playing.session.playback.state is PlaybackState.PAUSED)
    qtbot.keyClick(playing, Qt.Key.Key_BracketRight)
    assert playing.session.playback.speed == 2.0
    assert playing.transport.speed.text() == "2×"
    qtbot.keyClick(playing, Qt.Key.Key_L)
    assert not playing.preferences.loop
    qtbot.keyClick(playing, Qt.Key.Key_2)
    assert not playing.stage.panes["rb"].isVisible()
    qtbot.keyClick(playing, Qt.Key.Key_A)
    assert not playing.preferences.attention


def test_space_presses_a_focused_button_instead(playing, qtbot):
    playing.activateWindow()
    button = playing.transport.buttons["mirror"]
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert playing.session.mirror
    assert playing.session.playback.playing


def test_a_file_that_ends_says_so_and_plays_again(playing, qtbot):
    playing.actions_by_name["loop"].setChecked(False)
    qtbot.waitUntil(lambda: playing.session.playback.state is PlaybackState.ENDED)
    qtbot.waitUntil(lambda: playing.status.state.full_text.startswith("Ended"))
    act(playing, "play")
    qtbot.waitUntil(lambda: playing.session.playback.playing)


def test_a_live_source_hides_what_does_not_apply(window):
    window.transport.show_source(True, None, None)
    assert window.transport.slider.isHidden()
    assert window.transport.speed.isHidden()
    assert window.transport.buttons["loop"].isHidden()
    assert not window.transport.buttons["mirror"].isHidden()
    assert window.transport.time.text() == "Live"


# Looking


def test_mirror_and_crop_reach_the_network_also_while_paused(playing, qtbot, stand_in):
    act(playing, "play")
    qtbot.waitUntil(lambda: playing.session.playback.state is PlaybackState.PAUSED)
    act(playing, "mirror")
    qtbot.waitUntil(lambda: stand_in.settings[-1][0])
    playing.session.set_crop("whole")
    qtbot.waitUntil(lambda: stand_in.settings[-1] == (True, "whole"))
    qtbot.waitUntil(lambda: playing.session.moment.placement.mirror)
    assert playing.preferences.mirror_files


def test_a_pinned_class_is_the_one_whose_attention_is_shown(playing, qtbot):
    playing.stage.details.bars.pin(1)
    qtbot.waitUntil(lambda: playing.stage.panes["rb"].title.answer.startswith("catch"))
    act(playing, "leave")
    assert playing.stage.details.bars.pinned == -1


def test_the_picture_that_stops_shows_its_own_answer(playing, qtbot, stand_in):
    playing.session.set_smoothing(5.0)
    stand_in.probabilities = np.array([0.9, 0.025, 0.025, 0.025, 0.025], np.float32)
    seen = len(stand_in.seen)
    qtbot.waitUntil(lambda: len(stand_in.seen) > seen + 1)
    act(playing, "play")
    qtbot.waitUntil(lambda: playing.session.playback.state is PlaybackState.PAUSED)
    qtbot.waitUntil(lambda: playing.stage.details.bars.headline.text() == "brush hair  0.90")


def test_rates_and_age_are_measured_by_what_is_painted(playing, qtbot):
    qtbot.waitUntil(lambda: playing.session.rates.display > 0)
    rates = playing.session.rates
    assert rates.capture > 0
    assert rates.glance > 0
    assert 0 < rates.age < 5
    playing.hide()
    qtbot.waitUntil(lambda: playing.session.painted.displayed.rate == 0)


def test_graphs_follow(playing, qtbot):
    playing.prepare_graphs()
    graphs = playing.stage.details.graphs
    qtbot.waitUntil(lambda: bool(graphs._curves) and graphs._curves["Capture"].getData()[0] is not None)
    qtbot.waitUntil(lambda: graphs._numbers["Capture"].text() != "–")


def test_a_curve_is_interrupted_where_it_was_not_followed(window):
    graphs = window.stage.details.graphs
    for now in (0.0, 0.1, 9.0):
        graphs.show_rates(Rates(30, 30, 30, 0.01), now, write=False)
    assert [math.isnan(rates.capture) for _, rates in graphs._history] == [False, False, True, False]


# Showing


def test_presentation_leaves_the_pictures_and_one_line(playing, qtbot):
    act(playing, "presentation")
    assert playing.isFullScreen()
    assert playing.stage.isVisible()
    assert playing.big_answer.isVisible()
    for widget in (playing.top_bar, playing.transport, playing.status, playing.stage.details):
        assert not widget.isVisible()
    qtbot.waitUntil(lambda: "wave" in playing.big_answer.text)
    act(playing, "leave")
    assert not playing.isFullScreen()
    assert playing.transport.isVisible()
    assert not playing.big_answer.isVisible()


def test_the_last_pane_cannot_be_hidden(playing):
    for name in ("pane_input", "pane_rb", "pane_cb", "pane_both"):
        act(playing, name)
    assert sum(pane.isVisible() for pane in playing.stage.panes.values()) == 1


def test_what_was_set_is_remembered(open_window, qtbot, make_video):
    window = open_window()
    window.opener.open_source(str(make_video()))
    qtbot.waitUntil(lambda: index(window) >= 0)
    act(window, "pane_cb")
    act(window, "loop")
    window.set_theme("dark")
    window.preferences.smoothing = 1.5
    window.resize(700, 600)
    window.close()
    again = open_window()
    assert again.preferences.panes == ["input", "rb", "both"]
    assert not again.actions_by_name["pane_cb"].isChecked()
    assert not again.preferences.loop
    assert again.preferences.theme == "dark"
    assert again.preferences.smoothing == 1.5
    assert [Path(path).name for path in again.preferences.recent_sources] == ["clip.mp4"]
    assert (again.width(), again.height()) == (700, 600)
    again.set_theme("system")


def test_unreadable_settings_are_told_and_not_fatal(open_window, store):
    store._settings.setValue("preferences", "{")
    assert "set aside" in open_window().status.sentence


def test_preferences_work_at_once(playing, qtbot):
    dialog = PreferencesDialog(playing.preferences, playing)
    dialog.changed.connect(playing._apply_preferences)
    boxes = {box.accessibleName(): box for box in dialog.findChildren(QComboBox)}
    boxes["What the network sees"].setCurrentIndex(1)
    sliders = {slider.accessibleName(): slider for slider in dialog.findChildren(QAbstractSlider)}
    sliders["Unsure below"].setValue(90)
    assert playing.preferences.crop == "whole"
    assert playing.preferences.unsure == 0.9
    qtbot.waitUntil(lambda: playing.stage.details.bars.headline.text().startswith("Unsure"))
    dialog.close()


def test_everything_has_a_name_and_a_tooltip(playing):
    dialogs = [PreferencesDialog(playing.preferences, playing), ShortcutsDialog(playing)]
    for parent in (playing, *dialogs):
        for control in parent.findChildren(QAbstractButton) + parent.findChildren(QAbstractSlider):
            if control.isVisibleTo(parent) and not control.objectName().startswith("qt_"):
                assert control.toolTip() or control.accessibleName(), control
                assert control.accessibleName() or control.text(), control
    assert all(action.toolTip() for action in playing.actions())


@pytest.mark.parametrize("video", [(160, 120), (160, 90), (90, 160)])
def test_no_number_is_cut(window, qtbot, make_video, video):
    window.resize(1280, 800)
    window.opener.open_checkpoint("stand-in.safetensors")
    window.opener.open_source(str(make_video(size=video)))
    qtbot.waitUntil(lambda: glanced(window))
    window.stage.details.graphs.show_rates(Rates(1234, 240.1, 99.9, 2.345), 0.0, write=True)
    labels = window.stage.details.graphs.findChildren(QLabel)

    def all_fit() -> None:
        for label in labels:
            assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width(), label.text()

    qtbot.waitUntil(all_fit)  # a layout follows a change of the window a moment later


@pytest.mark.parametrize("size", [(640, 420), (900, 560), (1280, 800), (1920, 1080)])
def test_no_state_is_cut(playing, qtbot, size):
    playing.resize(*size)
    labels = (
        playing.status.drops,
        playing.transport.time,
    )
    for label in labels:
        if label.isVisible():
            assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width(), (label.text(), size)


def test_the_train_choice_opens_the_training_window(window, tmp_path, monkeypatch):
    monkeypatch.setenv("TMNET_RUNS", str(tmp_path / "runs"))
    act(window, "train")
    assert window.training.training.isVisible()
    assert window.isVisible()
    window.close()
    assert window.training.training is None


def test_thousands_of_signals_do_not_wear_the_process_out(playing):
    """PySide6 6.12.0 on Python 3.11 aborts after some 570 emissions."""
    for _ in range(3000):
        playing.session.ticked.emit(0.0)
    assert playing.isVisible()


def test_the_status_line_names_the_engine_that_took_over(qtbot, playing: MainWindow, stand_in, monkeypatch) -> None:
    qtbot.waitUntil(lambda: playing.status.engine.text() == "stand-in")
    monkeypatch.setattr(stand_in, "engine", "a faster one")
    qtbot.waitUntil(lambda: playing.status.engine.text() == "a faster one")


def test_what_was_dropped_stands_beside_its_word(playing: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(playing.session), "drops", Drops(27, 3, 1))
    playing._write_status()
    assert re.fullmatch(r"Dropped: capture 27\s+· network 3\s+· drawing 1\s+", playing.status.drops.text())
