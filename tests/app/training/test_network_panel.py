from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFileDialog

from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.network_panel import LoadedNetwork, NetworkPanel
from tmnet_core.config import ModelConfig


def choose(panel: NetworkPanel, text: str) -> None:
    place = panel.start.control.findText(text)
    panel.start.control.setCurrentIndex(place)
    panel.start.control.activated.emit(place)


@pytest.fixture
def loaded() -> list[LoadedNetwork]:
    return []


@pytest.fixture
def panel(qtbot, loaded: list[LoadedNetwork]) -> NetworkPanel:
    panel = NetworkPanel(RecipeDraft(), lambda: loaded[0] if loaded else None)
    qtbot.addWidget(panel)
    return panel


def test_the_network_that_is_open_brings_what_fits_its_weights(
    panel: NetworkPanel, loaded: list[LoadedNetwork]
) -> None:
    model = panel.start.control.model()
    assert isinstance(model, QStandardItemModel)
    panel.show_loaded()
    assert not model.item(3).isEnabled()
    loaded.append(
        LoadedNetwork("/a b/netz ü.safetensors", ModelConfig(backbone="mobilenet_v2", width=0.5, split="1/3"))
    )
    panel.show_loaded()
    assert model.item(3).isEnabled()
    choose(panel, "The network that is open")
    recipe = panel._draft.recipe
    assert recipe is not None
    assert recipe.start.weights == "/a b/netz ü.safetensors"
    assert (recipe.model.width, recipe.model.split) == (0.5, "1/3")
    assert panel.start.control.currentText() == "netz ü.safetensors"
    place = panel.start.control.currentIndex()
    assert panel.start.control.itemData(place, Qt.ItemDataRole.ToolTipRole) == "/a b/netz ü.safetensors"


def test_weights_from_a_file_and_back(panel: NetworkPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(tmp_path / "w.pth"), ""))
    choose(panel, "A weight file…")
    assert panel._draft.value("start.weights") == str(tmp_path / "w.pth")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: ("", ""))
    choose(panel, "A weight file…")
    assert panel._draft.value("start.weights") == str(tmp_path / "w.pth")
    assert panel.start.control.currentText() == "w.pth"
    for text, value in (("Random weights", "none"), ("ImageNet", "imagenet")):
        choose(panel, text)
        assert panel._draft.value("start.weights") == value
    assert panel.start.control.count() == 4


def test_it_says_what_a_network_answers_for(panel: NetworkPanel) -> None:
    assert "RB, CB, RB+CB" in panel.what.text()
    panel._draft.set_value("model.variant", "r3d-18")
    assert "whole clips" in panel.what.text()
