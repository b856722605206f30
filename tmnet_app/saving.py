"""Where a file goes: asks a person, and again before it replaces what the dialog did not ask about."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage, QImageWriter
from PySide6.QtWidgets import QFileDialog, QWidget

from tmnet_app.confirmation import confirmed
from tmnet_core.files import replacing

_ENDING = re.compile(r"\*(\.\w+)")


def ask_where_to_save(
    parent: QWidget,
    title: str,
    name: str,
    filters: str,
    beside: Callable[[Path, str], Sequence[Path]] = lambda path, kind: (),
) -> tuple[Path, str] | None:
    """Ask where to save, and return the path and the filter that was chosen; None where nothing shall be saved.

    A name with none of the endings gets that of the filter, after what was typed: `take.v2` becomes `take.v2.mp4`.
    The dialog asks before it takes a name that is there already, but knows only what was typed; for what comes of
    that a question follows, and Cancel leads back to the dialog.

    Args:
        parent: the window that asks.
        title: of the dialog.
        name: what the dialog proposes.
        filters: as Qt's dialogs take them, such as `Video (*.mp4);;Numbers (*.csv *.json)`.
        beside: what else is written, given the path and the filter.
    """
    while True:
        typed, kind = QFileDialog.getSaveFileName(parent, title, name, filters)
        if not typed:
            return None
        path = with_ending(Path(typed), kind, filters)
        unasked = [one for one in (path, *beside(path, kind)) if one != Path(typed) and os.path.lexists(one)]
        if not unasked or _may_replace(parent, unasked):
            return path, kind
        name = typed


def with_ending(path: Path, kind: str, filters: str) -> Path:
    """Return a path that ends as one of the filters wants it; one that does not gets the first ending of `kind`."""
    endings: list[str] = _ENDING.findall(filters)
    if path.suffix.lower() in endings:
        return path
    return path.with_name(path.name + (_ENDING.findall(kind) or endings)[0])


def write_picture(image: QImage, path: Path) -> None:
    """Write a picture in the format that the path's ending names; OSError."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, path.suffix[1:].encode())
    if not writer.write(image):
        raise OSError(errno.EINVAL, writer.errorString(), str(path))
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.data().data())


def _may_replace(parent: QWidget, paths: Sequence[Path]) -> bool:
    names = " and ".join(path.name for path in paths)
    there, them = ("is", "it") if len(paths) == 1 else ("are", "them")
    return confirmed(parent, "Replace a file", f"{names} {there} there already. Replace {them}?")
