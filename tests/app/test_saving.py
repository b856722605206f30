from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from tmnet_app.saving import ask_where_to_save, with_ending, write_picture

YES, CANCEL = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.Cancel
FILTERS = "Video (*.mp4);;Numbers (*.csv *.json)"


@pytest.fixture
def person(monkeypatch) -> Callable[..., list[str]]:
    """A function that puts a person before the dialogs, and returns the questions that come to be asked."""

    def act(names: list[Path | str], answers: list[QMessageBox.StandardButton]) -> list[str]:
        asked: list[str] = []
        typed, said = iter(names), iter(answers)

        def question(parent, title, text, *buttons):
            asked.append(text)
            return next(said)

        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(next(typed)), "Video (*.mp4)"))
        monkeypatch.setattr(QMessageBox, "question", question)
        return asked

    return act


@pytest.mark.parametrize(
    ("typed", "kind", "becomes"),
    [
        ("take", "Video (*.mp4)", "take.mp4"),
        ("take.v2", "Video (*.mp4)", "take.v2.mp4"),
        ("take.MP4", "Video (*.mp4)", "take.MP4"),
        ("take.v2", "Numbers (*.csv *.json)", "take.v2.csv"),
        ("take.json", "Video (*.mp4)", "take.json"),
        ("take", "", "take.mp4"),
    ],
)
def test_an_ending_is_added_and_never_takes_the_place_of_what_was_typed(typed, kind, becomes):
    assert with_ending(Path("a.b") / typed, kind, FILTERS) == Path("a.b") / becomes


def test_what_the_dialog_did_not_ask_about_is_asked(qtbot, person, tmp_path):
    window = QWidget()
    qtbot.addWidget(window)
    for name in ("take.v2.mp4", "take.v3.mp4", "take.v3.csv"):
        (tmp_path / name).write_text("old")

    def beside(path: Path, kind: str) -> list[Path]:
        return [path.with_suffix(".csv")]

    # Cancel leads back to the dialog, where another name is given; for that the dialog itself has asked.
    asked = person([tmp_path / "take.v2", tmp_path / "take.v2.mp4"], [CANCEL])
    assert ask_where_to_save(window, "Save", "take", FILTERS) == (tmp_path / "take.v2.mp4", "Video (*.mp4)")
    assert asked == ["take.v2.mp4 is there already. Replace it?"]
    asked = person([tmp_path / "take.v3.mp4"], [YES])
    assert ask_where_to_save(window, "Save", "take", FILTERS, beside) is not None
    assert asked == ["take.v3.csv is there already. Replace it?"]
    asked = person([tmp_path / "take.v3", ""], [CANCEL])
    assert ask_where_to_save(window, "Save", "take", FILTERS, beside) is None
    assert asked == ["take.v3.mp4 and take.v3.csv are there already. Replace them?"]


def test_a_picture_that_cannot_be_written_tells_the_cause_and_leaves_what_was_there(tmp_path):
    image = QImage(8, 8, QImage.Format.Format_RGB888)
    image.fill(0)
    for name in ("a.png", "a.jpg"):
        write_picture(image, tmp_path / name)
        assert QImage(str(tmp_path / name)).size() == image.size()
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(OSError, match="No such file or directory"):
        write_picture(image, tmp_path / "no" / "a.png")
    with pytest.raises(OSError, match=r"[Uu]nsupported"):
        write_picture(image, tmp_path / "a.v2")
    with pytest.raises(OSError, match=r"[Ee]mpty"):
        write_picture(QImage(), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.png"]
