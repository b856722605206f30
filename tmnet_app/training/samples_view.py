"""What the network made of some validation clips: each with both maps, the newest look or an earlier one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from tmnet_app.theme import GRID
from tmnet_app.training.scrolling import scrolled
from tmnet_core.attention.classes import shown_name
from tmnet_core.training.events import Sampled, SampledClip

_HINT = "At each validation some clips are shown here: the frame, where RB looks, where CB looks."


class SamplesView(QWidget):
    """A column of pictures with what was said about them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sample clips")
        self._shown: Sampled | None = None
        self.hint = QLabel(_HINT)
        self.hint.setWordWrap(True)
        self.hint.setProperty("muted", True)
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, GRID, 0)
        self._column.setSpacing(GRID)
        self._column.addStretch(1)
        scroll = scrolled(self._inside, sideways=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint)
        layout.addWidget(scroll, 1)

    @property
    def cards(self) -> list[SampleCard]:
        """The clips that are shown."""
        items = (self._column.itemAt(place) for place in range(self._column.count()))
        return [widget for item in items if item is not None and isinstance(widget := item.widget(), SampleCard)]

    def show_samples(self, folder: Path, sampled: Sampled | None) -> None:
        """Show the clips of one validation, whose pictures are in the run's folder."""
        if sampled == self._shown:
            return
        self._shown = sampled
        for card in self.cards:
            self._column.removeWidget(card)
            card.deleteLater()
        self.hint.setVisible(sampled is None)
        for place, clip in enumerate(sampled.clips if sampled else ()):
            self._column.insertWidget(place, SampleCard(folder, clip))


class SampleCard(QWidget):
    """One clip: its picture as wide as there is room, and who was right."""

    def __init__(self, folder: Path, clip: SampledClip, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = _WidePicture(QPixmap(str(folder / clip.picture)))
        picture.setToolTip(f"{clip.video}: the frame, where RB looks, where CB looks")
        picture.setAccessibleName(f"{clip.label}: the frame, RB's map and CB's map")
        self.caption = QLabel(_caption(clip))
        self.caption.setTextFormat(Qt.TextFormat.RichText)
        self.caption.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(picture)
        layout.addWidget(self.caption)


class _WidePicture(QWidget):
    """A picture that takes the width there is and keeps its shape."""

    def __init__(self, pixmap: QPixmap) -> None:
        super().__init__()
        self._pixmap = pixmap
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return not self._pixmap.isNull()

    def heightForWidth(self, width: int) -> int:
        return round(width * self._pixmap.height() / max(1, self._pixmap.width()))

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(self.rect(), self._pixmap)
        painter.end()


def _caption(clip: SampledClip) -> str:
    said = []
    for branch, (answer, probability) in clip.answers.items():
        mark = "✓" if answer == clip.label else "✗"
        said.append(f"{branch}&nbsp;{mark}&nbsp;{_plain(answer)}&nbsp;{probability:.2f}")
    return f"<b>{_plain(clip.label)}</b> &nbsp; " + " &nbsp; ".join(said)


def _plain(name: str) -> str:
    return shown_name(name).replace("&", "&amp;").replace("<", "&lt;")
