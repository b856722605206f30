from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox

from tmnet_app.live_session import EngineChoice
from tmnet_app.main_window import MainWindow
from tmnet_app.recorder import Recorder
from tmnet_core.assets import asset
from tmnet_core.attention.composition import Composed, Composer
from tmnet_core.attention.recording import RecordingError
from tmnet_core.data.decoding import VideoReader, probe, read_frames
from tmnet_core.live.playback import PlaybackState
from tmnet_core.live.predictor import GlancePredictor


def act(window: MainWindow, name: str) -> None:
    window.actions_by_name[name].trigger()


def answer_dialog(monkeypatch, path: Path, kind: str = "") -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), kind))


def record(window: MainWindow, qtbot, path: Path, pictures: int = 12, **how) -> None:
    window.workbench.exports.start_recording(path, **how)
    recorder = window.workbench.exports.recorder
    qtbot.waitUntil(lambda: recorder.frames >= pictures)
    act(window, "record")
    qtbot.waitUntil(lambda: window.workbench.exports.recorder is None)


def test_a_recording_has_every_picture_that_was_shown(playing, qtbot, tmp_path, read_bar_code):
    shown: list[int] = []
    playing.session.add_viewer(lambda moment: shown.append(moment.frame.index))
    first = playing.session.moment.frame.index
    record(playing, qtbot, tmp_path / "take.mp4")
    assert "Recorded" in playing.status.sentence
    count = int(playing.status.sentence.split()[1])
    with VideoReader(tmp_path / "take.mp4") as reader:
        pictures = []
        while (found := reader.read()) is not None:
            pictures.append(found[2])
    assert len(pictures) == count
    expected = [first, *shown][:count]
    # The input is the first picture of the row; its lower part carries the frame's number as a bar code.
    pane = 320
    left = 10
    seen = [read_bar_code(picture[100:200, left : left + pane]) for picture in pictures]
    assert seen == expected
    assert not (tmp_path / "take.part.mp4").exists()


def test_recording_is_seen_and_ended_by_the_same_key(playing, qtbot, monkeypatch, tmp_path):
    answer_dialog(monkeypatch, tmp_path / "take")
    act(playing, "record")
    assert playing.actions_by_name["record"].isChecked()
    qtbot.waitUntil(lambda: playing.transport.recording.isVisible())
    assert "●" in playing.transport.recording.text()
    act(playing, "record")
    qtbot.waitUntil(lambda: not playing.transport.recording.isVisible())
    assert not playing.actions_by_name["record"].isChecked()
    assert probe(tmp_path / "take.mp4").frames >= 1


def test_a_recording_is_seen_in_a_presentation_too(playing, qtbot, tmp_path):
    act(playing, "presentation")
    playing.workbench.exports.start_recording(tmp_path / "take.mp4")
    mark = playing.big_answer.recording
    qtbot.waitUntil(lambda: mark.isVisible() and mark.text().startswith("●"))
    assert playing.big_answer.rect().contains(mark.geometry())
    act(playing, "record")
    qtbot.waitUntil(lambda: not mark.isVisible())


def test_a_source_that_changes_its_size_while_recording_keeps_every_picture_whole(playing, qtbot, make_video, tmp_path):
    """A stream, or another file, may go on in another shape."""
    shown: list[tuple[int, int]] = []
    exports = playing.workbench.exports
    exports.start_recording(tmp_path / "take.mp4", numbers=True)
    qtbot.waitUntil(lambda: exports.recorder.frames >= 3)
    playing.session.add_viewer(lambda moment: shown.append(moment.placement.frame_size))
    playing.opener.open_source(str(make_video("tall.mp4", size=(96, 160))))
    qtbot.waitUntil(lambda: shown.count((96, 160)) >= 3)
    act(playing, "record")
    qtbot.waitUntil(lambda: exports.recorder is None)
    assert "none was left out" in playing.status.sentence
    count = int(playing.status.sentence.split()[1])
    assert probe(tmp_path / "take.mp4").frames == count
    with (tmp_path / "take.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == count
    first, last = read_frames(tmp_path / "take.mp4", [0, count - 1])
    assert first.shape == last.shape
    # The first pane is 320×240; a frame of 96×160 is 144 pixels wide in it.
    pane = last[40:260, 10:330]
    ground = pane[:, 2].astype(int).mean(axis=0)
    columns = np.nonzero(np.abs(pane.astype(int) - ground).max(axis=(0, 2)) > 12)[0]
    assert 130 <= columns.max() - columns.min() <= 146, "not stretched"


def test_an_export_of_a_file_shows_what_the_screen_showed_frame_by_frame(
    open_window, qtbot, make_video, monkeypatch, tmp_path
):
    painted: list[tuple[int, Composed]] = []
    paint = Composer.paint

    def remember(composer, frame, placement, content):
        painted.append((frame.index, content))
        return paint(composer, frame, placement, content)

    monkeypatch.setattr(Composer, "paint", remember)
    window = open_window(load_model=lambda path: GlancePredictor.from_file(Path(path), "cpu", "torch"))
    views = window.preferences.attention_views
    views.smoothing, views.scale = 0.2, "min-max"
    window.stage.set_attention(views, visible=True)
    session = window.session
    # The export computes with what the window computes with.
    session.choose_engine(EngineChoice("torch", "cpu"))
    session.set_every_frame(True)
    session.playback.set_loop(False)
    window.actions_by_name["timeline"].setChecked(False)
    window.opener.open_checkpoint(str(asset("demo/synthetic-people.safetensors")))
    qtbot.waitUntil(lambda: session.model is not None, timeout=20000)
    window.opener.open_source(str(make_video(frames=24, size=(160, 120))))
    qtbot.waitUntil(lambda: bool(session.moment and session.moment.glance))
    session.playback.pause()
    session.playback.seek(0)
    qtbot.waitUntil(lambda: session.moment.still and session.moment.frame.index == 0)
    window.workbench.exports.start_recording(tmp_path / "screen.mp4")
    session.playback.play()
    qtbot.waitUntil(
        lambda: session.playback.state is PlaybackState.ENDED and session.moment.frame.index == 23, timeout=20000
    )
    act(window, "record")
    qtbot.waitUntil(lambda: window.workbench.exports.recorder is None)
    screen = dict(reversed(painted))
    painted.clear()
    window.workbench.whole_file.export(tmp_path / "file.mp4")
    qtbot.waitUntil(lambda: not window.workbench.whole_file.running, timeout=20000)
    assert probe(tmp_path / "file.mp4").frames == len(painted) == 24
    assert session.moment.still
    # The last one is shown as it is, because the file has ended there.
    for index, exported in painted[:-1]:
        shown = screen[index]
        for one, other in zip(exported.panes[1:], shown.panes[1:], strict=True):
            np.testing.assert_allclose(one.shown.values, other.shown.values, atol=1e-4)
            assert (one.shown.index, one.title) == (other.shown.index, other.title)
            assert one.shown.scale.high == pytest.approx(other.shown.scale.high, abs=1e-4)
            assert one.shown.scale.low == pytest.approx(other.shown.scale.low, abs=1e-4)
        assert [bar.name for bar in exported.bars] == [bar.name for bar in shown.bars]
        for one, other in zip(exported.bars, shown.bars, strict=True):
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert str(exported.agreement) == str(shown.agreement)


def test_nothing_to_record_is_told(window):
    act(window, "record")
    assert "nothing to record" in window.status.sentence
    assert not window.actions_by_name["record"].isChecked()


def test_numbers_are_written_as_csv_and_as_json_lines(playing, qtbot, tmp_path):
    record(playing, qtbot, tmp_path / "both.mp4", pictures=3, numbers=True)
    with (tmp_path / "both.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == probe(tmp_path / "both.mp4").frames
    assert rows[0]["RB+CB 1"] == "wave"
    assert float(rows[0]["RB 1 probability"]) == pytest.approx(0.3)
    record(playing, qtbot, tmp_path / "numbers.jsonl", pictures=3)
    lines = [json.loads(line) for line in (tmp_path / "numbers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) >= 3
    assert lines[0]["branches"]["CB"][0]["name"] == "wave"


def test_another_network_ends_the_recording(playing, qtbot, tmp_path):
    playing.workbench.exports.start_recording(tmp_path / "numbers.csv")
    playing.opener.open_checkpoint("another.safetensors")
    playing.session.checkpoint_loaded.emit("another.safetensors")
    qtbot.waitUntil(lambda: (tmp_path / "numbers.csv").exists())
    qtbot.waitUntil(lambda: playing.workbench.exports.recorder is None)


@pytest.mark.parametrize("name", ["take.mp4", "take.csv"])
def test_a_folder_that_is_not_there_is_told(playing, qtbot, tmp_path, name):
    playing.workbench.exports.start_recording(tmp_path / "no" / name)
    qtbot.waitUntil(lambda: "cannot be written" in playing.status.sentence)
    assert playing.workbench.exports.recorder is None
    assert not playing.actions_by_name["record"].isChecked()


def test_a_full_disk_ends_the_recording_with_a_sentence(playing, qtbot, monkeypatch, tmp_path):
    exports = playing.workbench.exports
    exports.start_recording(tmp_path / "take.mp4")
    writer = exports.recorder._writers[0]
    write = writer.write

    def full(shot, measured, seconds):
        if exports.recorder.frames >= 5:
            raise RecordingError("take.mp4 cannot be written on: no space left on device")
        write(shot, measured, seconds)

    monkeypatch.setattr(writer, "write", full)
    qtbot.waitUntil(lambda: "no space left" in playing.status.sentence)
    assert not playing.actions_by_name["record"].isChecked()
    assert probe(tmp_path / "take.part.mp4").frames == 5
    shown = playing.session.moment
    qtbot.waitUntil(lambda: playing.session.moment is not shown)


def test_closing_the_window_completes_the_recording(playing, tmp_path):
    playing.workbench.exports.start_recording(tmp_path / "take.mp4")
    playing.close()
    assert probe(tmp_path / "take.mp4").frames >= 1


def test_a_computer_that_falls_behind_says_so_and_keeps_what_it_has(playing, monkeypatch, tmp_path, qtbot):
    monkeypatch.setattr("tmnet_app.recorder._MOST_WAITING", 1)
    playing.workbench.exports.start_recording(tmp_path / "take.mp4")
    qtbot.waitUntil(lambda: "as fast as they come" in playing.status.sentence)
    assert "1 pictures are in take.mp4" in playing.status.sentence
    assert probe(tmp_path / "take.mp4").frames == 1


def test_snapshots_are_composed_or_as_they_are_seen(playing, monkeypatch, tmp_path):
    answer_dialog(monkeypatch, tmp_path / "composed.png")
    act(playing, "snapshot")
    answer_dialog(monkeypatch, tmp_path / "seen.png", "The pictures as they are on the screen (*.png *.jpg)")
    act(playing, "snapshot")
    composed, seen = QImage(str(tmp_path / "composed.png")), QImage(str(tmp_path / "seen.png"))
    assert composed.width() > 4 * 300
    assert composed.size() != seen.size()
    pane = playing.stage.panes["input"]
    assert seen.width() == 2 * pane.width() + 8
    answer_dialog(monkeypatch, tmp_path / "no" / "a.png")
    act(playing, "snapshot")
    assert "could not be written" in playing.status.sentence
    assert "No such file or directory" in playing.status.sentence
    answer_dialog(monkeypatch, tmp_path / "foo.v2")
    act(playing, "snapshot")
    assert QImage(str(tmp_path / "foo.v2.png")).size() == composed.size()


def test_numbers_beside_a_video_do_not_replace_others_unasked(playing, qtbot, monkeypatch, tmp_path):
    (tmp_path / "film.csv").write_text("mine")
    names = iter([str(tmp_path / "film.mp4"), ""])
    kind = "Video, and numbers beside it (*.mp4)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (next(names), kind))
    asked: list[str] = []

    def refuse(parent, title, text, *buttons):
        asked.append(text)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", refuse)
    act(playing, "record")
    assert asked == ["film.csv is there already. Replace it?"]
    assert playing.workbench.exports.recorder is None
    assert not playing.actions_by_name["record"].isChecked()
    assert (tmp_path / "film.csv").read_text() == "mine"


def test_one_picture_can_be_saved_and_copied(playing, monkeypatch, tmp_path):
    exports = playing.workbench.exports
    answer_dialog(monkeypatch, tmp_path / "rb.png")
    actions = {action.text(): action for action in exports.picture_menu("rb").actions()}
    actions["Save this picture…"].trigger()
    view = playing.stage.panes["rb"].view
    assert QImage(str(tmp_path / "rb.png")).size() == view.size()
    actions["Copy this picture"].trigger()
    assert QGuiApplication.clipboard().image().size() == view.size()


def test_a_recorder_without_pictures_ends(tmp_path):
    class Nothing:
        def finish(self) -> Path:
            return tmp_path / "nothing"

        def close(self) -> None: ...

    recorder = Recorder([Nothing()])
    recorder.close()
    assert recorder.ended
    assert recorder.paths == [tmp_path / "nothing"]
    np.testing.assert_equal(recorder.frames, 0)
