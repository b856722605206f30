from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from tmnet_app.training.data_panel import DataPanel
from tmnet_app.training.draft import RecipeDraft


@pytest.fixture
def panel(qtbot) -> DataPanel:
    panel = DataPanel(RecipeDraft())
    qtbot.addWidget(panel)
    return panel


def test_a_folder_a_csv_file_and_a_folder_again(panel: DataPanel, tmp_path: Path) -> None:
    draft = panel._draft
    (tmp_path / "meine Clips").mkdir()
    (tmp_path / "meine Clips" / "liste.csv").write_text("path,label\n")
    panel.take(tmp_path / "meine Clips" / "liste.csv")
    assert draft.value("data.root") == str(tmp_path / "meine Clips")
    assert draft.value("data.annotations") == "liste.csv"
    panel.take(tmp_path)
    assert (draft.value("data.root"), draft.value("data.annotations")) == (str(tmp_path), "")


def test_the_official_split_is_offered_where_there_are_several(panel: DataPanel) -> None:
    panel.show()
    assert not panel.split.isVisible()
    panel.show_official(True)
    assert panel.split.isVisible()
    panel._draft.set_value("data.split", 2)
    # A choice that was made is never hidden.
    panel.show_official(False)
    assert panel.split.isVisible()


def test_rendered_people_need_no_folder(panel: DataPanel) -> None:
    panel.rendered.click()
    assert panel._draft.value("data.root") == "synthetic-people"
    assert panel._draft.recipe is not None


def test_choosing_and_not_choosing(panel: DataPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(tmp_path))
    panel.choose.click()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: "")
    panel.choose.click()
    assert panel._draft.value("data.root") == str(tmp_path)
