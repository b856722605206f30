"""One editor for each kind of value that a recipe has, made from the value's own definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QSpinBox, QWidget

_LARGEST = 2**31 - 1


class FieldEditor(QWidget):
    """Shows and changes one value; `edited` carries what the person made of it, right or wrong."""

    edited = Signal(object)

    def __init__(self, control: QWidget) -> None:
        super().__init__()
        self.control = control
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(control, 1)
        self.setFocusProxy(control)

    def show_value(self, value: Any) -> None:
        """Show a value, without a word about it."""
        raise NotImplementedError


class ChoiceEditor(FieldEditor):
    """A combo box over the values that there are."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._box = CalmComboBox()
        super().__init__(self._box)
        self._values = values
        self._box.addItems([str(value) for value in values])
        self._box.activated.connect(lambda place: self.edited.emit(values[place]))

    def show_value(self, value: Any) -> None:  # noqa: D102
        self._box.setCurrentIndex(self._values.index(value) if value in self._values else -1)


class SwitchEditor(FieldEditor):
    """A check box."""

    def __init__(self) -> None:
        self._box = QCheckBox()
        super().__init__(self._box)
        self._box.clicked.connect(lambda: self.edited.emit(self._box.isChecked()))

    def show_value(self, value: Any) -> None:  # noqa: D102
        self._box.setChecked(bool(value))


class CountEditor(FieldEditor):
    """A spin box within the value's bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._box = CalmSpinBox()
        super().__init__(self._box)
        self._box.setRange(least, most)
        self._box.setGroupSeparatorShown(True)
        self._box.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType if most > 1000 else self._box.stepType())
        self._quiet = False
        self._box.valueChanged.connect(self._tell)

    def show_value(self, value: Any) -> None:  # noqa: D102
        self._quiet = True
        self._box.setValue(value if isinstance(value, int) else self._box.minimum())
        self._quiet = False

    def _tell(self, value: int) -> None:
        if not self._quiet:
            self.edited.emit(value)


class TextEditor(FieldEditor):
    """A line of text: numbers of any size, lists with commas, names. What cannot be read is passed on as it is."""

    def __init__(self, read: Callable[[str], Any], write: Callable[[Any], str]) -> None:
        self._line = QLineEdit()
        super().__init__(self._line)
        self._write = write
        self._line.textEdited.connect(lambda text: self.edited.emit(read(text)))

    def show_value(self, value: Any) -> None:  # noqa: D102
        if not self._line.hasFocus() or not self._line.isModified():
            self._line.setText(self._write(value))
        self._line.setModified(False)


class CalmComboBox(QComboBox):
    """A combo box that the wheel scrolls past: a page is scrolled more often than a value is meant."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: D102
        event.ignore()


class CalmSpinBox(QSpinBox):
    """A spin box that the wheel scrolls past."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lineEdit().setTextMargins(6, 0, 0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: D102
        event.ignore()


def make_editor(field: FieldInfo) -> FieldEditor:
    """Return the editor for a value of this definition."""
    kind = field.annotation
    if get_origin(kind) is Literal:
        return ChoiceEditor(get_args(kind))
    if kind is bool:
        return SwitchEditor()
    if kind is int:
        return CountEditor(*_whole_bounds(field))
    if kind is str:
        return TextEditor(str, str)
    if kind is float:
        return TextEditor(_read_number, _write_number)
    if get_origin(kind) is tuple:
        return TextEditor(_read_list, _write_list)
    raise TypeError(f"there is no editor for {kind}")


def describe_bounds(field: FieldInfo) -> str:
    """Return the bounds of a number in words, empty without any."""
    words = []
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge):
                words.append(f"at least {ge}")
            case annotated_types.Gt(gt):
                words.append(f"more than {gt}")
            case annotated_types.Le(le):
                words.append(f"at most {le}")
            case annotated_types.Lt(lt):
                words.append(f"less than {lt}")
    return ", ".join(words)


def _whole_bounds(field: FieldInfo) -> tuple[int, int]:
    least, most = -_LARGEST, _LARGEST
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge):
                least = int(ge)  # type: ignore[call-overload]
            case annotated_types.Gt(gt):
                least = int(gt) + 1  # type: ignore[call-overload]
            case annotated_types.Le(le):
                most = int(le)  # type: ignore[call-overload]
            case annotated_types.Lt(lt):
                most = int(lt) - 1  # type: ignore[call-overload]
    return least, most


def _read_number(text: str) -> Any:
    for kind in (int, float):
        try:
            return float(kind(text))
        except ValueError:
            continue
    return text


def _write_number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _read_list(text: str) -> Any:
    """Read numbers with commas between them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(int(part) if part.isdecimal() else _read_number(part) for part in parts)


def _write_list(values: Any) -> str:
    return ", ".join(_write_number(value) for value in values) if isinstance(values, tuple) else str(values)
