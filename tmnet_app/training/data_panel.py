"""The first step: which clips."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.training.draft import RecipeDraft
from tmnet_app.training.field_row import FieldRow
from tmnet_app.training.fields import recipe_fields
from tmnet_app.training.headings import heading
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE

_HOW = (
    "Put the videos of each class into a folder with its name, and those folders into one. "
    "The official lists of UCF101, HMDB51 and JHMDB, and CSV files, are found in it too."
)


class DataPanel(QFrame):
    """A folder to drop or to choose, and how it is read."""

    refused = Signal(str)  # a sentence
    dropped = Signal(Path)  # a folder or a file

    def __init__(self, draft: RecipeDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAcceptDrops(True)
        self._draft = draft
        fields = recipe_fields()
        how = QLabel(_HOW)
        how.setWordWrap(True)
        how.setProperty("muted", True)
        self.folder = FieldRow(draft, "data.root", fields["data.root"])
        # Else a dropped folder would be written into the line as an address.
        self.folder.editor.control.setAcceptDrops(False)
        self.choose = QPushButton("Choose a folder…")
        self.choose.setToolTip("The folder that holds one folder of videos for each class; or drop it here")
        self.choose.clicked.connect(self._choose)
        self.rendered = QPushButton("Rendered people")
        self.rendered.setToolTip("No clips at hand? Train on people that TMNet draws, to see how it goes")
        self.rendered.clicked.connect(lambda: draft.set_value("data.root", SYNTHETIC_PEOPLE))
        buttons = QHBoxLayout()
        buttons.addWidget(self.choose)
        buttons.addWidget(self.rendered)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, GRID, 2 * GRID)
        layout.addWidget(heading("1   Your clips"))
        layout.addWidget(how)
        layout.addLayout(buttons)
        layout.addWidget(self.folder)
        layout.addWidget(FieldRow(draft, "data.format", fields["data.format"]))
        self.split = FieldRow(draft, "data.split", fields["data.split"])
        layout.addWidget(self.split)
        self.show_official(False)

    def show_official(self, there: bool) -> None:
        """Offer the choice of an official split where the data has several, or where it was made."""
        self.split.setVisible(there or self.split.changed)

    def take(self, path: Path) -> None:
        """Take a folder, or the CSV file in one."""
        if path.is_dir():
            self._draft.reset("data.annotations")
            self._draft.set_value("data.root", str(path))
        elif path.suffix.lower() == ".csv":
            self._draft.set_value("data.root", str(path.parent))
            self._draft.set_value("data.annotations", path.name)
        else:
            self.refused.emit(f"{path.name} is not a folder; drop the folder that holds the classes' folders.")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell what was dropped."""
        self.dropped.emit(Path(next(url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile())))
        event.acceptProposedAction()

    def _choose(self) -> None:
        before = str(self._draft.value("data.root"))
        folder = QFileDialog.getExistingDirectory(self, "A folder of classes", before if Path(before).is_dir() else "")
        if folder:
            self.take(Path(folder))
