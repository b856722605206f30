from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMessageBox

from tmnet_app.demo import find_demo
from tmnet_app.live_session import AUTOMATIC, EngineChoice
from tmnet_core.errors import DeviceMemoryError
from tmnet_core.live.engines import export_cache
from tmnet_core.live.engines.ncnn_export import why_no_ncnn
from tmnet_core.live.stage_meter import Memory

ON_CPU = EngineChoice("auto", "cpu")


@pytest.fixture
def demo_window(qtbot, open_window, make_video, monkeypatch, tmp_path):
    """A window whose real network, the demo's, looks at a video."""
    monkeypatch.setattr(export_cache, "cache_folder", lambda: tmp_path / "cache")
    window = open_window(load_model=None)
    window.opener.open_checkpoint(str(find_demo().checkpoint))
    window.opener.open_source(str(make_video(size=(160, 120))))
    window.session.playback.set_loop(True)
    qtbot.waitUntil(lambda: bool(window.session.moment and window.session.moment.glance), timeout=60_000)
    return window


def listed(window):
    window.engine_controls.fill_menu()
    return [action for action in window.engine_controls.menu.actions() if not action.isSeparator()]


def test_a_network_for_now_is_not_exported_and_one_to_stay_is(demo_window, qtbot):
    session = demo_window.session
    demo = str(find_demo().checkpoint)
    for for_now, engine in ((True, "torch fp32"), (False, "faster engine")):
        with qtbot.waitSignal(session.checkpoint_loaded, timeout=60_000):
            session.load_checkpoint(demo, for_now=for_now)
        model, seen = session.model, []
        session.add_viewer(lambda moment, seen=seen: seen.append(moment.glance))
        # Far more than a network to stay is looked with before it is exported.
        qtbot.waitUntil(lambda seen=seen: len(seen) > 45, timeout=60_000)
        assert session.model is model
        assert engine in model.engine
        assert ("preparing" in model.engine) is not for_now


def test_the_menu_offers_what_there_is_and_says_why_not_the_rest(demo_window):
    actions = {(action.text(), action.isEnabled()): action for action in listed(demo_window)}
    assert ("Automatic", True) in actions
    assert actions["Automatic", True].isChecked()
    assert ("onnxruntime, fp32 · CPU", True) in actions
    assert ("torch, fp32 · CPU", True) in actions
    assert ("ncnn, fp32 · CPU", why_no_ncnn() is None) in actions
    reason = actions["onnxruntime, int8 · CPU", False].toolTip()
    assert reason.startswith("Not here: int8 is calibrated on frames")
    menu = demo_window.top_bar.model.menu()
    menu.aboutToShow.emit()
    assert menu.actions()[-1].text() == "Engine: automatic"


def test_another_engine_looks_from_the_choice_on_and_the_first_is_freed(qtbot, demo_window):
    session = demo_window.session
    first = session.model
    (torch_action,) = (
        action for action in listed(demo_window) if action.text() == "torch, fp32 · CPU" and action.isEnabled()
    )
    torch_action.trigger()
    assert session.model is first  # it goes on meanwhile
    assert demo_window.top_bar.model.text().startswith("Loading")
    qtbot.waitUntil(lambda: session.model is not first, timeout=60_000)
    assert session.model.engine == "CPU · torch fp32"
    assert session.engine == EngineChoice("torch", "cpu")
    qtbot.waitUntil(lambda: first._engine._engine._model is None)
    demo_window.top_bar.model.menu().aboutToShow.emit()
    assert demo_window.top_bar.model.menu().actions()[-1].text() == "Engine: torch, fp32 · CPU"


def test_an_engine_that_cannot_be_had_leaves_the_one_before(qtbot, demo_window):
    session = demo_window.session
    first = session.model
    with qtbot.waitSignal(session.failed, timeout=30_000) as told:
        session.choose_engine(EngineChoice("torch-fp16", "cpu"))
    assert told.args[0] == "Engine torch-fp16: fp16 needs a CUDA device."
    assert session.model is first
    assert session.engine == session.next_engine == AUTOMATIC


def test_the_panel_tells_what_computes_how_long_each_step_takes_and_the_memory(qtbot, demo_window):
    details = demo_window.stage.details
    details.panels.buttons["engine"].click()
    table = details.engine.table
    qtbot.waitUntil(lambda: table.text("In all", "95 %").endswith(" ms"))
    assert details.engine.engine.text() == demo_window.session.model.engine
    steps = [float(table.text(row, "median").split()[0]) for row in ("Preprocess", "Network", "Show")]
    assert all(0 <= step < 5_000 for step in steps)
    assert table.text("Upload", "median") == "–"
    assert details.engine.memory.text().startswith("Memory ")
    details.engine.show_memory(Memory(2**30, 3 * 2**20, 2**30, 4 * 2**30))
    assert details.engine.memory.text() == "Memory 1,024 MiB · GPU 3 MiB, 3,072 MiB of 4,096 MiB in use by all"


@pytest.mark.parametrize("agrees", [True, False])
def test_a_gpu_that_is_too_small_is_a_question(qtbot, open_window, stand_in, agrees):
    asked = []

    def load(path):
        asked.append(window.session.next_engine)
        if window.session.next_engine != ON_CPU:
            raise DeviceMemoryError("the memory of GPU does not suffice")
        return stand_in

    window = open_window(load_model=load)
    window.opener.open_checkpoint("large.safetensors")
    qtbot.waitUntil(lambda: window.engine_controls.question is not None)
    question = window.engine_controls.question
    assert "The memory of GPU does not suffice." in question.text()
    assert "Look with the CPU instead?" in question.text()
    wanted = QMessageBox.StandardButton.Yes if agrees else QMessageBox.StandardButton.No
    question.button(wanted).click()
    if agrees:
        qtbot.waitUntil(lambda: window.session.model is stand_in)
        assert window.session.engine == ON_CPU
    assert asked == ([AUTOMATIC, ON_CPU] if agrees else [AUTOMATIC])
