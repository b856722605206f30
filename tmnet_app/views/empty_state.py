"""What the window shows before there is a picture: what to do, in large choices."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular


class EmptyState(QWidget):
    """Two steps, a network and a picture, each with its choices."""

    def __init__(self, network: list[Choice], picture: list[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Start")
        self.network_heading = _heading("1   A network")
        self.picture_heading = _heading("2   A picture")
        steps = QHBoxLayout()
        steps.setSpacing(4 * GRID)
        steps.addLayout(_column(self.network_heading, network))
        steps.addLayout(_column(self.picture_heading, picture))
        page = QVBoxLayout()
        page.setSpacing(GRID)
        page.addWidget(_title("See an action in a single frame", self.font()))
        page.addWidget(_muted("TMNet looks at one frame at a time, says what is being done, and shows where it looks."))
        page.addSpacing(3 * GRID)
        page.addLayout(steps)
        page.addSpacing(2 * GRID)
        page.addWidget(_muted("Or drop a checkpoint (.safetensors) and a video anywhere on this window."))
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addLayout(page, 8)
        middle.addStretch(1)
        whole = QVBoxLayout(self)
        whole.addStretch(2)
        whole.addLayout(middle)
        whole.addStretch(3)

    def show_network(self, title: str) -> None:
        """Say which network is loaded, or being loaded."""
        self.network_heading.setText(f"1   {title}" if title else "1   A network")

    def show_picture(self, title: str) -> None:
        """Say which source is being opened."""
        self.picture_heading.setText(f"2   {title}" if title else "2   A picture")


class Choice(QPushButton):
    """A large button: an icon, a title and a line that says what happens; it follows an action."""

    def __init__(self, action: QAction, title: str, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("choice", True)
        self.setAccessibleName(title)
        self.setAccessibleDescription(what)
        self.setToolTip(action.toolTip())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(9 * GRID)
        self.clicked.connect(action.trigger)
        self._action = action
        self._picture = QLabel()
        self._fill(title, what)
        action.changed.connect(self._follow)
        self._follow()

    def sizeHint(self) -> QSize:
        """As large as its contents."""
        layout = self.layout()
        return layout.sizeHint() if layout is not None else super().sizeHint()

    def _fill(self, title: str, what: str) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(2)
        caption, line = QLabel(title), _muted(what)
        caption.setFont(tabular(self.font(), scale=1.15, bold=True))
        grid.addWidget(self._picture, 0, 0, 2, 1)
        grid.addWidget(caption, 0, 1, Qt.AlignmentFlag.AlignBottom)
        grid.addWidget(line, 1, 1, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        for label in (self._picture, caption, line):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def _follow(self) -> None:
        self._picture.setPixmap(self._action.icon().pixmap(32, 32))
        self.setVisible(self._action.isVisible())
        self.setEnabled(self._action.isEnabled())


def _column(heading: QLabel, choices: list[Choice]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(GRID)
    column.addWidget(heading)
    for choice in choices:
        column.addWidget(choice)
    column.addStretch(1)
    return column


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(tabular(label.font(), scale=1.15, bold=True))
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return label


def _title(text: str, font: QFont) -> QLabel:
    label = QLabel(text)
    label.setFont(tabular(font, scale=2.2, bold=True))
    return label


def _muted(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("muted", True)
    return label
