"""One line at the bottom: what is going on, or what went wrong."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QToolButton, QWidget

from tmnet_app.icons import icon
from tmnet_app.theme import GRID, tabular

_FIGURE_SPACE = "\u2007"


class StatusLine(QWidget):
    """Shows the state; a message takes its place until it is dismissed, so that nothing moves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(4 * GRID)
        self.state = ElidedLabel()
        self.state.setFont(tabular(self.font()))
        self.state.setAccessibleName("State")
        self.drops = QLabel()
        self.drops.setFont(tabular(self.font()))
        self.drops.setProperty("muted", True)
        self.drops.setToolTip(
            "Frames that never reached the screen: passed over because the file could not be read in time, replaced "
            "by a newer one before the network looked, or looked at but replaced before it was drawn"
        )
        self.engine = QLabel()
        self.engine.setToolTip("What computes the network")
        self.engine.setProperty("muted", True)
        self.light = StateLight()
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setAccessibleName("Cancel opening")
        self.cancel.setToolTip("Do not wait for it any longer (Esc)")
        self.cancel.hide()
        self.message = Message()
        self.message.dismissed.connect(self.clear_message)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._state_page())
        self._stack.addWidget(self.message)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def _state_page(self) -> QWidget:
        page = QWidget()
        layout = QHBoxLayout(page)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.light)
        layout.addWidget(self.state, 1)
        layout.addWidget(self.cancel)
        layout.addWidget(self.drops)
        layout.addSpacing(2 * GRID)
        layout.addWidget(self.engine)
        return page

    def show_message(self, sentence: str, details: str = "") -> None:
        """Show a sentence, with details to copy where there are any."""
        self.message.show_message(sentence, details)
        self._stack.setCurrentIndex(1)

    def clear_message(self) -> None:
        """Show the state again."""
        self._stack.setCurrentIndex(0)

    def take_back(self, sentence: str) -> None:
        """Clear this message, if it is still the one shown."""
        if sentence and sentence == self.sentence:
            self.clear_message()

    @property
    def sentence(self) -> str:
        """The message shown, empty without one."""
        return self.message.label.full_text if self._stack.currentIndex() == 1 else ""


class Message(QFrame):
    """A sentence with Copy details and a cross."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("banner", True)
        self.label = ElidedLabel()
        self.copy = _small_button("copy", "Copy details", "Copy the technical details to the clipboard")
        self.copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.close_button = _small_button("close", "Dismiss", "Take this message away")
        self._details = ""
        self.copy.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.dismissed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, GRID, 0)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.copy)
        layout.addWidget(self.close_button)

    def show_message(self, sentence: str, details: str) -> None:
        """Take another sentence."""
        self.label.set_full_text(sentence)
        self._details = details
        self.copy.setVisible(bool(details))
        for button, name in ((self.copy, "copy"), (self.close_button, "close")):
            button.setIcon(icon(name, self.palette()))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.label.full_text}\n\n{self._details}")


class ElidedLabel(QLabel):
    """A label of one line that shortens its middle; the whole text is its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.full_text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_full_text(self, text: str) -> None:
        """Show as much of the text as fits."""
        if text != self.full_text:
            self.full_text = text
            self.setToolTip(text)
            self.setAccessibleDescription(text)
            self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self.full_text, Qt.TextElideMode.ElideMiddle, self.width()))


class StateLight(QWidget):
    """A dot: full while frames come, hollow while they do not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(12, 12)
        self.setAccessibleName("Playing or not")
        self.setToolTip("Filled while frames come")
        self._on = False

    def show_playing(self, on: bool) -> None:
        """Fill it, or not."""
        if on != self._on:
            self._on = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.palette().color(QPalette.ColorRole.Highlight)
        painter.setPen(colour)
        painter.setBrush(colour if self._on else QColor(0, 0, 0, 0))
        painter.drawEllipse(QRectF(2, 2, 8, 8))
        painter.end()


def padded(number: int, digits: int) -> str:
    """Return a number that takes the same room as any other of so many digits."""
    return str(number).rjust(digits, _FIGURE_SPACE)


def padded_after(number: int, digits: int) -> str:
    """Return such a number with the room behind it, for where another word precedes and a mark follows."""
    return str(number).ljust(digits, _FIGURE_SPACE)


def _small_button(name: str, text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    return button
