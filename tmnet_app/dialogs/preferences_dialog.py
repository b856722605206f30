"""Preferences, applied as they are changed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QVBoxLayout,
    QWidget,
)

from tmnet_app.preferences import Preferences
from tmnet_app.theme import GRID
from tmnet_app.views.amount import Amount

_THEMES = {"system": "As the desktop", "light": "Light", "dark": "Dark"}
_CROPS = {None: "As it was trained", "whole": "The whole frame", "centre": "The centre"}


class PreferencesDialog(QDialog):
    """Changes a Preferences object in place; `changed` follows each change."""

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self._preferences = preferences
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(3 * GRID)
        self._form.setVerticalSpacing(2 * GRID)
        self._add_answers()
        self._add_picture()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setToolTip("Close this window; changes are kept")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(self._form)
        layout.addWidget(buttons)

    def _add_answers(self) -> None:
        smoothing = Amount(2.0, self._preferences.smoothing, lambda v: f"{v:.2f} s" if v else "off")
        self._add(smoothing, "Smoothing", "Time in seconds over which probabilities are averaged", "smoothing")
        unsure = Amount(1.0, self._preferences.unsure, lambda v: f"{v:.2f}")
        tip = (
            "An answer with a lower probability is called unsure, and so is one below 1.5 / K where there are K "
            "classes, which is little more than chance. At 0 no answer is called unsure."
        )
        self._add(unsure, "Unsure below", tip, "unsure")

    def _add_picture(self) -> None:
        self._add_choice("What the network sees", "Which part of each frame goes into the network", "crop", _CROPS)
        self._add_choice("Theme", "Light or dark", "theme", _THEMES)
        self._add_check("Mirror cameras", "Cameras that you open are shown as in a mirror", "mirror_cameras")
        self._add_check("Mirror videos", "Videos that you open are shown mirrored", "mirror_files")

    def _add(self, amount: Amount, label: str, tip: str, field: str) -> None:
        amount.changed.connect(lambda value: self._set(field, value))
        amount.slider.setAccessibleName(label)
        amount.slider.setToolTip(tip)
        self._form.addRow(label, amount)

    def _add_choice(self, label: str, tip: str, field: str, words: dict[str, str] | dict[str | None, str]) -> None:
        box = QComboBox()
        values = list(words)
        box.addItems(list(words.values()))
        box.setCurrentIndex(values.index(getattr(self._preferences, field)))
        box.setAccessibleName(label)
        box.setToolTip(tip)
        box.currentIndexChanged.connect(lambda index: self._set(field, values[index]))
        self._form.addRow(label, box)

    def _add_check(self, label: str, tip: str, field: str) -> None:
        box = QCheckBox(label)
        box.setChecked(getattr(self._preferences, field))
        box.setToolTip(tip)
        box.setAccessibleName(label)
        box.toggled.connect(lambda on: self._set(field, on))
        self._form.addRow("", box)

    def _set(self, field: str, value: object) -> None:
        setattr(self._preferences, field, value)
        self.changed.emit()
