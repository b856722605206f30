"""How attention is shown: a small window under a button."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QVBoxLayout, QWidget

from tmnet_app.theme import GRID, tabular
from tmnet_app.views.amount import Amount
from tmnet_app.views.segments import Segment, Segments
from tmnet_core.attention.colours import HEAT_MAPS, ColourMap, palette
from tmnet_core.attention.settings import AttentionSettings

_SHOWS = (
    Segment("fused", "The answer", "All pictures show where the answer's class comes from"),
    Segment("own", "Each its own", "Each branch shows where its own top class comes from"),
)
_THIRD = (
    Segment("sum", "RB+CB", "The third picture is the mean of both maps: where the fused answer comes from"),
    Segment("difference", "RB \u2212 CB", "The third picture shows where RB looks more (orange) or CB does (blue)"),
)
_SCALES = (
    Segment("shared", "One for all", "From zero; the same colour is the same value in all pictures of a network"),
    Segment("own", "Each its own", "Every picture from zero to its own greatest value: where, not how much"),
    Segment(
        "min-max",
        "Least to greatest",
        "Every picture from its own least to its own greatest value, as such maps are often shown; "
        "its greatest is bright even where it speaks against the class",
    ),
)


class AttentionControls(QFrame):
    """Changes AttentionSettings in place; `changed` follows each change."""

    changed = Signal()

    def __init__(self, settings: AttentionSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("card", True)
        self.setAccessibleName("How attention is shown")
        self._settings = settings
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(2 * GRID)
        self._form.setVerticalSpacing(GRID)
        self._fill()
        heading = QLabel("Attention")
        heading.setFont(tabular(heading.font(), bold=True))
        hint = QLabel(
            "Wheel: zoom · drag: move · double click: all of it\n"
            "Double click a title, or F: one picture alone · a bar: pin its class"
        )
        hint.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(heading)
        layout.addLayout(self._form)
        layout.addWidget(hint)

    def open_over(self, button: QWidget) -> None:
        """Show it above a button, inside the screen."""
        self.adjustSize()
        corner = button.mapToGlobal(QPoint(button.width() - self.width(), -self.height() - GRID))
        room = button.screen().availableGeometry()
        self.move(max(room.left(), corner.x()), max(room.top(), corner.y()))
        self.show()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _fill(self) -> None:
        settings = self._settings
        self._add_segments("Class", _SHOWS, "shows")
        self._add_segments("Third picture", _THIRD, "third")
        self._add_segments("Scale", _SCALES, "scale")
        colours = [
            Segment(name, text, f"{text}, perceptually uniform", _swatch(name)) for name, text in HEAT_MAPS.items()
        ]
        self._add_segments("Colours", colours, "colours")
        opacity = Amount(1.0, settings.opacity, lambda v: f"{100 * v:.0f} %", least=0.1)
        self._add_amount(opacity, "Opacity", "How much of the frame the warmest places hide", "opacity")
        contour = Amount(0.95, settings.contour, lambda v: f"{100 * v:.0f} %" if v else "off")
        self._add_amount(contour, "Contour", "Draws a line where the map reaches this share of its scale", "contour")
        smoothing = Amount(2.0, settings.smoothing, lambda v: f"{v:.2f} s" if v else "off")
        tip = "Time in seconds over which maps are averaged while the picture moves"
        self._add_amount(smoothing, "Smoothing", tip, "smoothing")

    def _add_segments(self, label: str, choices: tuple[Segment, ...] | list[Segment], field: str) -> None:
        segments = Segments(label, choices, getattr(self._settings, field))
        segments.setObjectName(field)
        segments.chosen.connect(lambda value: self._set(field, value))
        self._form.addRow(label, segments)

    def _add_amount(self, amount: Amount, label: str, tip: str, field: str) -> None:
        amount.slider.setAccessibleName(label)
        amount.slider.setToolTip(tip)
        amount.changed.connect(lambda value: self._set(field, value))
        self._form.addRow(label, amount)

    def _set(self, field: str, value: object) -> None:
        setattr(self._settings, field, value)
        self.changed.emit()


def _swatch(colours: ColourMap) -> QIcon:
    table = palette(colours)
    strip = QImage(table.data, 256, 1, 3 * 256, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(strip.scaled(40, 14)))
