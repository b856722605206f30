from __future__ import annotations

import csv
import threading

import numpy as np
import pytest

from tmnet_app.main_window import MainWindow
from tmnet_app.second_model import compare_classes
from tmnet_core.data.decoding import read_frames
from tmnet_core.live.player import PlaybackState
from tmnet_core.models.branch import Branch


@pytest.fixture
def models(make_stand_in):
    return {"one": make_stand_in(), "two": make_stand_in(), "other": make_stand_in((Branch.CB,), ["left", "wave"])}


@pytest.fixture
def comparing(open_window, models, qtbot, make_video) -> MainWindow:
    def load(path: str):
        if "bad" in path:
            raise ValueError("it is bad")
        return models[path]

    window = open_window(load_model=load)
    window.opener.open_checkpoint("one")
    window.opener.open_source(str(make_video(size=(160, 120))))
    qtbot.waitUntil(lambda: bool(window.session.moment and window.session.moment.glance))
    window.workbench.comparison.open("two")
    qtbot.waitUntil(lambda: window.session.moment.second is not None)
    return window


def test_both_networks_speak_of_the_same_frame(comparing, models, qtbot):
    seen: list[bool] = []
    comparing.session.add_viewer(lambda m: seen.append(m.second is not None and m.second.frame is m.glance.frame))
    qtbot.waitUntil(lambda: len(seen) > 5)
    assert all(seen)
    second = comparing.stage.second
    first_row, second_row = comparing.stage.panes["rb"], second.views.panes["rb"]
    qtbot.waitUntil(lambda: second_row.isVisible())
    assert second_row.size() == first_row.size()
    assert second_row.x() == first_row.x()
    assert second_row.y() > first_row.y()
    models["two"].probabilities = np.float32([0.9, 0.025, 0.025, 0.025, 0.025])
    qtbot.waitUntil(lambda: second.views.bars.headline.text().startswith("brush_hair".replace("_", " ")))
    qtbot.waitUntil(lambda: second.views.bars.bar(Branch.RB, 0) > 0.85)
    # The map is of the first one's class, so that both can be compared.
    assert second_row.title.answer.startswith("wave")


def test_the_second_ones_bars_are_averaged_like_the_first_ones(comparing, models, qtbot):
    comparing.session.set_smoothing(5.0)
    qtbot.waitUntil(lambda: comparing.session.moment.frame.index > 3)
    for model in models.values():
        model.probabilities = np.float32([0.9, 0.025, 0.025, 0.025, 0.025])
    qtbot.waitUntil(lambda: comparing.session.moment.second.probabilities[Branch.RB][0] > 0.8)
    moment = comparing.session.moment
    assert moment.second_readout.probabilities[Branch.RB][0] < 0.8
    assert comparing.stage.second.views.bars._target[Branch.RB][0] < 0.8


def test_a_recording_and_its_numbers_have_both_until_the_second_one_goes(comparing, qtbot, tmp_path):
    exports = comparing.workbench.exports
    exports.start_recording(tmp_path / "both.mp4", numbers=True)
    qtbot.waitUntil(lambda: exports.recorder.frames >= 4)
    comparing.actions_by_name["compare"].trigger()
    qtbot.waitUntil(lambda: exports.recorder is None)
    with (tmp_path / "both.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["second answer"] for row in rows} == {"wave"}
    assert float(rows[0]["second RB 1 probability"]) == pytest.approx(0.3)
    exports.start_recording(tmp_path / "alone.mp4")
    comparing.actions_by_name["record"].trigger()
    qtbot.waitUntil(lambda: exports.recorder is None)
    both, alone = (read_frames(tmp_path / name, [0])[0] for name in ("both.mp4", "alone.mp4"))
    assert both.shape[1] == alone.shape[1]
    assert both.shape[0] >= alone.shape[0] + 240


def test_a_presentation_enlarges_the_titles_of_both(comparing):
    first, below = comparing.stage.panes["rb"].title, comparing.stage.second.views.panes["rb"].title
    comparing.actions_by_name["presentation"].trigger()
    assert below.height() == first.height() > 40
    comparing.actions_by_name["presentation"].trigger()
    assert below.height() == first.height() < 40


def test_mirroring_reaches_both(comparing, models, qtbot):
    comparing.actions_by_name["mirror"].trigger()
    qtbot.waitUntil(lambda: models["two"].settings[-1][0])


def test_other_classes_are_told_and_each_shows_what_it_can(comparing, qtbot):
    comparing.workbench.comparison.open("other")
    qtbot.waitUntil(lambda: "in common" in comparing.status.sentence)
    assert "1 class in common (of 5 and 2)" in comparing.status.sentence
    second = comparing.stage.second
    qtbot.waitUntil(lambda: second.views.panes["rb"].view.words == "This checkpoint has no RB.")
    qtbot.waitUntil(lambda: second.views.panes["cb"].title.answer.startswith("wave"))
    comparing.stage.details.bars.pin(0)
    qtbot.waitUntil(lambda: comparing.stage.panes["cb"].title.answer.startswith("brush hair"))
    qtbot.waitUntil(lambda: comparing.stage.second is not None and bool(second.views.shown))


def test_comparing_ends_by_the_same_action(comparing, models, qtbot):
    comparing.actions_by_name["compare"].trigger()
    assert comparing.stage.second is None
    looked = len(models["two"].seen)
    first = len(models["one"].seen)
    qtbot.waitUntil(lambda: len(models["one"].seen) > first + 3)
    assert len(models["two"].seen) == looked
    assert comparing.session.moment.second is None


def test_a_bad_second_checkpoint_is_told_and_the_first_goes_on(comparing, qtbot):
    with qtbot.waitSignal(comparing.workbench.comparison.said):
        comparing.workbench.comparison.open("bad")
    assert comparing.status.sentence == "bad could not be loaded: it is bad."
    assert comparing.session.playback.state is PlaybackState.PLAYING
    assert comparing.session.moment.second is not None


def test_a_second_network_that_fails_is_told_once_and_the_first_goes_on(comparing, models, qtbot):
    def fail(*args, **settings):
        raise RuntimeError("boom")

    models["two"].glance = fail
    qtbot.waitUntil(lambda: "boom" in comparing.status.sentence)
    comparing.status.clear_message()
    shown = comparing.session.moment
    qtbot.waitUntil(lambda: comparing.session.moment is not shown)
    assert not comparing.status.sentence


def test_letting_go_of_a_second_that_is_still_loading_does_not_wait_for_it(comparing, models, qtbot, make_stand_in):
    gate, late = threading.Event(), make_stand_in()
    freed: list[bool] = []
    late.close = lambda: freed.append(True)
    load = comparing.session._load_model
    comparing.session._load_model = lambda path: (gate.wait(10) and late) if path == "late" else load(path)
    comparing.workbench.comparison.open("late")
    comparing.actions_by_name["compare"].trigger()
    assert comparing.stage.second is None
    gate.set()
    qtbot.waitUntil(lambda: bool(freed))
    assert comparing.workbench.comparison.second.model is None


def test_a_second_needs_a_first(window):
    window.actions_by_name["compare"].trigger()
    assert "first checkpoint" in window.status.sentence
    assert not window.actions_by_name["compare"].isChecked()


def test_how_classes_differ_is_said():
    assert compare_classes(["a", "b"], ["b", "a"]) == ""
    assert "no class in common" in compare_classes(["a"], ["b"])
