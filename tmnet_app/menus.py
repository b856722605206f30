"""What is in the menus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from PySide6.QtWidgets import QMenu

from tmnet_app.actions import TABLE, Actions
from tmnet_core.live.sources import CameraInfo, SourceKind, short_name, source_kind

_HIDDEN = ("leave", "open_camera")
_CAMERA_MODES = {
    "640×480, 30 fps": "size=640x480&fps=30",
    "1280×720, 30 fps": "size=1280x720&fps=30&format=MJPG",
    "1280×720, 60 fps": "size=1280x720&fps=60&format=MJPG",
    "1920×1080, 30 fps": "size=1920x1080&fps=30&format=MJPG",
}


def fill_main_menu(menu: QMenu, actions: Actions) -> None:
    """Put every action into a submenu of its group."""
    for group, entries in groupby(TABLE, key=lambda entry: entry.group):
        submenu = menu.addMenu(group)
        for entry in entries:
            if entry.name not in _HIDDEN:
                submenu.addAction(actions[entry.name])


def fill_open_menu(
    menu: QMenu, actions: Actions, sources: Sequence[str], checkpoints: Sequence[str], choose: Callable[[str], None]
) -> None:
    """Offer files and other sources, the demo and the last ones opened."""
    menu.clear()
    names = ("open_video", "open_folder", "open_stream", "open_screen", "open_pattern")
    menu.addActions([actions[name] for name in names])
    menu.addSeparator()
    menu.addActions([actions["open_checkpoint"], actions["open_demo"]])
    recent = [source for source in sources if source_kind(source) in {SourceKind.FILE, SourceKind.STREAM}]
    _add_recent(menu, "Recent videos", recent, choose)
    _add_recent(menu, "Recent checkpoints", checkpoints, choose)


def fill_model_menu(menu: QMenu, actions: Actions, checkpoints: Sequence[str], choose: Callable[[str], None]) -> None:
    """Offer the card and other networks."""
    menu.clear()
    menu.addActions([actions["card"], actions["open_checkpoint"], actions["compare"]])
    _add_recent(menu, "Recent checkpoints", checkpoints, choose)


def fill_camera_menu(menu: QMenu, cameras: Sequence[CameraInfo], choose: Callable[[str], None]) -> None:
    """Offer the cameras by name, as they come and with what they can be asked for."""
    menu.clear()
    for camera in cameras:
        menu.addAction(_plain(camera.name), partial(choose, _camera_spec(camera, cameras)))
    for camera in cameras:
        modes = menu.addMenu(_plain(f"{camera.name}: size and rate"))
        for words, query in _CAMERA_MODES.items():
            modes.addAction(words, partial(choose, f"{_camera_spec(camera, cameras)}?{query}"))
    if not cameras:
        menu.addAction("No camera found").setEnabled(False)


def _add_recent(menu: QMenu, heading: str, paths: Sequence[str], choose: Callable[[str], None]) -> None:
    if not paths:
        return
    menu.addSeparator()
    menu.addAction(heading).setEnabled(False)
    for path in paths:
        name = Path(path).name if source_kind(path) is SourceKind.FILE else short_name(path)
        action = menu.addAction(_plain(name), partial(choose, path))
        action.setToolTip(path)
    menu.setToolTipsVisible(True)


def _camera_spec(camera: CameraInfo, cameras: Sequence[CameraInfo]) -> str:
    """Name a camera so that it is found again when it is plugged in elsewhere; twins go by their number."""
    alone = sum(other.name == camera.name for other in cameras) == 1
    return f"camera:{camera.name}" if alone and "?" not in camera.name else f"camera:{camera.index}"


def _plain(text: str) -> str:
    """Return a text whose ampersands mark no key."""
    return text.replace("&", "&&")
