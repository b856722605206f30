"""What computes, how long each step of a frame takes, and how much memory is held."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.views.figure_table import FigureTable
from tmnet_core.live.stage_meter import Memory

_ROWS = {
    "Wait": "From a frame's capture until the network turns to it",
    "Preprocess": "Cropping and resizing the frame to what the network sees",
    "Upload": "Bringing it to the GPU",
    "Network": "Both branches and their maps",
    "Download": "Bringing the answers back from the GPU",
    "Show": "From the answer until the frame is painted",
    "In all": "From a frame's capture until it is painted",
}
_COLUMNS = {"median": "Half of the last frames took at most this long", "95 %": "95 % of them did"}
_NAMES = {"whole": "In all"}
_NO_NETWORK = "No network computes yet."


class EnginePanel(QWidget):
    """Shows what it is told; milliseconds over the last frames, and memory in MiB."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Engine")
        self.engine = _words("What computes now")
        self.table = FigureTable("Milliseconds by step", list(_COLUMNS), _ROWS)
        for column, tip in _COLUMNS.items():
            self.table.heads[column].setToolTip(tip)
        self.memory = _words("What this program holds in memory")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.engine)
        layout.addWidget(self.table)
        layout.addWidget(self.memory)
        layout.addStretch(1)
        self.show_engine("")

    def show_engine(self, title: str) -> None:
        """Say what computes; nothing where the title is empty."""
        self.engine.setText(title or _NO_NETWORK)
        if not title:
            self.table.clear()

    def show_stages(self, quantiles: Mapping[str, tuple[float, float]]) -> None:
        """Write the median and the 95th percentile of each step; steps that there are not stay empty."""
        self.table.clear()
        for stage, values in quantiles.items():
            row = _NAMES.get(stage, stage.capitalize())
            if row in _ROWS:
                for column, value in zip(_COLUMNS, values, strict=True):
                    self.table.write(row, column, f"{value:.1f} ms")

    def show_memory(self, memory: Memory) -> None:
        """Say how much is held."""
        text = f"Memory {_mib(memory.host)}"
        if memory.device is not None:
            used = memory.device_total - memory.device_free
            text += f" · GPU {_mib(memory.device)}, {_mib(used)} of {_mib(memory.device_total)} in use by all"
        self.memory.setText(text)


def _words(tip: str) -> QLabel:
    label = QLabel()
    label.setProperty("muted", True)
    label.setWordWrap(True)
    label.setToolTip(tip)
    label.setAccessibleName(tip)
    return label


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
