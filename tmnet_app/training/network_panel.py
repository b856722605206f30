"""The second step: which network, and the weights that it starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFileDialog, QFrame, QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.field_editors import CalmComboBox, ChoiceEditor, FieldEditor
from tmnet_app.training.field_row import FieldRow
from tmnet_app.training.fields import recipe_fields
from tmnet_app.training.headings import heading
from tmnet_core.config import ModelConfig
from tmnet_core.models.catalogue import VARIANTS

_WEIGHTS_FILTER = "Weights (*.pth *.pt *.safetensors);;All files (*)"


class LoadedNetwork(NamedTuple):
    """The network that the main window looks with."""

    path: str
    model: ModelConfig


class NetworkPanel(QFrame):
    """Variant, backbone, split and start weights.

    Args:
        loaded: returns the network that is open now, None without one.
    """

    def __init__(
        self, draft: RecipeDraft, loaded: Callable[[], LoadedNetwork | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._draft = draft
        self._loaded = loaded
        fields = recipe_fields()
        titles = {name: row.title for name, row in VARIANTS.items()}
        self.start = StartEditor()
        self.start.file_wanted.connect(self._choose_weights)
        self.start.loaded_wanted.connect(self.start_from_loaded)
        rows = [
            FieldRow(draft, "model.variant", fields["model.variant"], NamedChoiceEditor(titles)),
            FieldRow(draft, "model.backbone", fields["model.backbone"]),
            FieldRow(draft, "model.split", fields["model.split"]),
            FieldRow(draft, "start.weights", fields["start.weights"], self.start),
        ]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, GRID, 2 * GRID)
        layout.addWidget(heading("2   The network"))
        for row in rows:
            layout.addWidget(row)
        self.what = QLabel()
        self.what.setProperty("muted", True)
        self.what.setWordWrap(True)
        layout.addWidget(self.what)
        draft.changed.connect(self._describe)
        self._describe()

    def _describe(self) -> None:
        row = VARIANTS.get(self._draft.value("model.variant"))
        if row is not None:
            branches = (
                ", ".join(map(str, row.glance)) or "none: it needs whole clips, and the window cannot look with it"
            )
            self.what.setText(f"Answers for a single frame: {branches}")

    def _choose_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Weights to start from", "", _WEIGHTS_FILTER)
        if path:
            self._draft.set_value("start.weights", path)
        else:
            self.start.show_value(self._draft.value("start.weights"))

    def start_from_loaded(self) -> None:
        """Start from the network that is open, with its variant, backbone and split."""
        loaded = self._loaded()
        if loaded is None:
            self.start.show_value(self._draft.value("start.weights"))
            return
        # The weights fit the network that they are of.
        for key in ("variant", "backbone", "network3d", "width", "split"):
            self._draft.set_value(f"model.{key}", getattr(loaded.model, key))
        self._draft.set_value("start.weights", loaded.path)

    def show_loaded(self) -> None:
        """Offer the network that is open now, where there is one."""
        self.start.offer_loaded(self._loaded() is not None)


class NamedChoiceEditor(ChoiceEditor):
    """A combo box whose values have names for a person."""

    def __init__(self, names: dict[Any, str]) -> None:
        super().__init__(tuple(names))
        for place, name in enumerate(names.values()):
            self._box.setItemText(place, name)


class StartEditor(FieldEditor):
    """Where the weights come from: ImageNet, nowhere, a file, or the network that is open."""

    file_wanted = Signal()
    loaded_wanted = Signal()

    _IMAGENET, _RANDOM, _FILE, _LOADED, _PATH = range(5)

    def __init__(self) -> None:
        self._box = CalmComboBox()
        super().__init__(self._box)
        self._box.addItems(["ImageNet", "Random weights", "A weight file…", "The network that is open"])
        self._box.setItemData(self._IMAGENET, "torchvision's, downloaded once", Qt.ItemDataRole.ToolTipRole)
        self._box.setSizeAdjustPolicy(CalmComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.activated.connect(self._choose)

    def offer_loaded(self, there: bool) -> None:
        """Let the network that is open be chosen, or not."""
        model = self._box.model()
        assert isinstance(model, QStandardItemModel)
        model.item(self._LOADED).setEnabled(there)

    def show_value(self, value: Any) -> None:  # noqa: D102
        text = str(value)
        while self._box.count() > self._PATH:
            self._box.removeItem(self._PATH)
        place = {"imagenet": self._IMAGENET, "none": self._RANDOM}.get(text, self._PATH)
        if place == self._PATH:
            self._box.addItem(Path(text).name)
            self._box.setItemData(place, text, Qt.ItemDataRole.ToolTipRole)
        self._box.setCurrentIndex(place)

    def _choose(self, place: int) -> None:
        match place:
            case self._IMAGENET:
                self.edited.emit("imagenet")
            case self._RANDOM:
                self.edited.emit("none")
            case self._FILE:
                self.file_wanted.emit()
            case self._LOADED:
                self.loaded_wanted.emit()
