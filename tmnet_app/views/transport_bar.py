"""Play, step, seek, speed: the row under the pictures."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tmnet_app.actions import Actions
from tmnet_app.icons import SIZE
from tmnet_app.source_control import SPEEDS
from tmnet_app.theme import GRID, tabular
from tmnet_app.views.probability_bars import EN_DASH
from tmnet_app.views.timeline import Timeline

_STEPS = ("step_back", "play", "step_forward")
_TOOLS = ("loop", "timeline", "mirror", "attention", "attention_settings", "record", "snapshot")
# Where there is little room those at the end go first; they stay in the menu, with their keys.
_BY_NEED = ("record", "attention", "loop", "timeline", "attention_settings", "snapshot", "mirror")
_NARROWEST_SEEKING = 180
_HANDLE = 8  # half of the slider's handle and its frame
_FILE_ONLY = ("loop", "timeline")


class TransportBar(QWidget):
    """Controls of the source; what does not apply to a live one is hidden."""

    seek_requested = Signal(int)  # a frame's index
    speed_chosen = Signal(float)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = SeekSlider()
        # Where a live source hides it, the buttons stay in their places.
        keeps_its_place = self.slider.sizePolicy()
        keeps_its_place.setRetainSizeWhenHidden(True)
        self.slider.setSizePolicy(keeps_its_place)
        self.slider.sliderMoved.connect(self.seek_requested)
        self.slider.jumped.connect(self.seek_requested)
        self.timeline = Timeline()
        self.timeline.set_inset(_HANDLE)
        self.timeline.hide()
        self.time = QLabel(EN_DASH)
        self.time.setAccessibleName("Time")
        self.time.setFont(tabular(self.font()))
        self.time.setToolTip("Time of this frame, and of the whole video")
        self.recording = QLabel()
        self.recording.setAccessibleName("Recording")
        self.recording.setProperty("recording", True)
        self.recording.setFont(tabular(self.font()))
        self.recording.setToolTip("Time recorded, and pictures written; R ends the recording")
        self.recording.hide()
        self.speed = _speed_button(self)
        self.buttons = {name: _button(actions[name]) for name in _STEPS}
        self.buttons |= {name: _button(actions[name]) for name in _TOOLS}
        self._seekable = False
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID, 0, GRID, 0)
        layout.setSpacing(GRID // 2)
        for name in _STEPS:
            layout.addWidget(self.buttons[name])
        layout.addSpacing(GRID)
        seeking = QVBoxLayout()
        seeking.setSpacing(0)
        seeking.addWidget(self.slider)
        seeking.addWidget(self.timeline)
        layout.addLayout(seeking, 1)
        layout.addSpacing(GRID)
        layout.addWidget(self.time)
        layout.addSpacing(GRID)
        layout.addWidget(self.recording)
        layout.addWidget(self.speed)
        for name in _TOOLS:
            layout.addWidget(self.buttons[name])

    def show_source(self, live: bool, frames: int | None, fps: float | None) -> None:
        """Fit the controls to a source."""
        self._seekable = not live and bool(frames)
        for widget in (self.slider, self.speed, self.buttons["step_back"], self.buttons["step_forward"]):
            widget.setVisible(self._seekable)
        self.slider.setMaximum(max(0, (frames or 1) - 1))
        self.slider.setSingleStep(1)
        self.slider.setPageStep(max(1, round(5 * (fps or 1))))
        sample = "Live" if live else f"{clock(_seconds(frames, fps))} / {clock(_seconds(frames, fps))}"
        self.time.setFixedWidth(QFontMetrics(self.time.font()).horizontalAdvance(sample) + GRID)
        self.time.setText(sample)
        self._fit()

    def show_position(self, index: int, frames: int | None, fps: float | None, *, write: bool) -> None:
        """Move the slider to a frame, unless a hand is on it, and the clock if it may be written."""
        if not self.slider.isSliderDown():
            self.slider.setValue(max(0, index))
        if write and self.slider.isVisibleTo(self):
            self.time.setText(f"{clock(_seconds(max(0, index), fps))} / {clock(_seconds(frames, fps))}")

    def show_recording(self, seconds: float | None, frames: int = 0) -> None:
        """Say how long and how much has been recorded; None: nothing is being recorded."""
        begins_or_ends = self.recording.isHidden() == (seconds is not None)
        self.recording.setVisible(seconds is not None)
        if seconds is not None:
            self.recording.setText(f"\u25cf {clock(seconds)} \u00b7 {frames}")
        if begins_or_ends:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many buttons as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fixed = (*(self.buttons[name] for name in _STEPS), self.time, self.recording, self.speed)
        room = self.width() - _NARROWEST_SEEKING - 6 * GRID
        room -= sum(widget.sizeHint().width() + GRID // 2 for widget in fixed if not widget.isHidden())
        wanted = [name for name in _BY_NEED if self._seekable or name not in _FILE_ONLY]
        for place, name in enumerate(wanted):
            room -= self.buttons[name].sizeHint().width() + GRID // 2
            self.buttons[name].setVisible(room >= 0 or place == 0)
        for name in set(_BY_NEED) - set(wanted):
            self.buttons[name].hide()

    def show_speed(self, speed: float) -> None:
        """Say how fast it plays."""
        self.speed.setText(speed_text(speed))


class SeekSlider(QSlider):
    """A slider that goes where it is clicked; `jumped` carries the value it went to by click or key."""

    jumped = Signal(int)
    pointed_at = Signal(int)  # the value under the pointer, -1 when it leaves

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Position in the video")
        self.setMouseTracking(True)
        self.setToolTip("Click or drag to go to another frame")
        # Qt sends this before the value is set, and only for what a person does.
        self.actionTriggered.connect(lambda action: self.jumped.emit(self.sliderPosition()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the place clicked and drag on from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self.isSliderDown():
            self._follow(event)
        self.pointed_at.emit(self._value_at(event))

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self.pointed_at.emit(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self.setSliderDown(False)

    def _follow(self, event: QMouseEvent) -> None:
        value = self._value_at(event)
        if value != self.sliderPosition():
            self.setSliderPosition(value)

    def _value_at(self, event: QMouseEvent) -> int:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style = self.style()
        handle = style.subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        ).width()
        place = round(event.position().x() - handle / 2)
        return QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), place, self.width() - handle)


def speed_text(speed: float) -> str:
    """Return a speed as a person reads it."""
    return f"{speed:g}×" if speed else "Max"


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setObjectName(action.objectName())
    button.setIconSize(QSize(SIZE, SIZE))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text().rstrip("…"))
    return button


def _speed_button(bar: TransportBar) -> QToolButton:
    button = QToolButton()
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName("Speed")
    button.setToolTip("How fast the video plays ([ slower, ] faster); Max shows every frame as fast as it can")
    button.setFixedWidth(QFontMetrics(button.font()).horizontalAdvance("0.25×") + 5 * GRID)
    menu = QMenu(button)
    for speed in SPEEDS:
        menu.addAction(speed_text(speed), partial(bar.speed_chosen.emit, speed))
    button.setMenu(menu)
    button.setText(speed_text(1.0))
    return button


def _seconds(frames: int | None, fps: float | None) -> float:
    return (frames or 0) / fps if fps else 0.0


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes:02}:{rest:04.1f}"
