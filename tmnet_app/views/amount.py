"""A slider over hundredths with its value beside it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from tmnet_app.theme import tabular


class Amount(QWidget):
    """Chooses a number from `least` to `most`; `words` says how it is written."""

    changed = Signal(float)

    def __init__(self, most: float, value: float, words: Callable[[float], str], least: float = 0.0) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(100 * least), round(100 * most))
        self.slider.setPageStep(10)
        self.slider.setMinimumWidth(200)
        number = QLabel(words(value))
        number.setFont(tabular(number.font()))
        number.setFixedWidth(56)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider.setValue(round(100 * value))
        self.slider.valueChanged.connect(lambda hundredths: number.setText(words(hundredths / 100)))
        self.slider.valueChanged.connect(lambda hundredths: self.changed.emit(hundredths / 100))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(number)
