"""What is in the menus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from PySide6.QtWidgets import QMenu

from tmnet_app.actions import TABLE, Actions
from tmnet_core.live.sources import CameraInfo

_HIDDEN = ("leave", "open_camera")


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
    """Offer files, the demo and the last ones opened."""
    menu.clear()
    menu.addActions([actions["open_video"], actions["open_checkpoint"], actions["open_demo"]])
    _add_recent(menu, "Recent videos", [source for source in sources if not source.startswith("camera:")], choose)
    _add_recent(menu, "Recent checkpoints", checkpoints, choose)


def fill_model_menu(menu: QMenu, actions: Actions, checkpoints: Sequence[str], choose: Callable[[str], None]) -> None:
    """Offer the card and other networks."""
    menu.clear()
    menu.addActions([actions["card"], actions["open_checkpoint"]])
    _add_recent(menu, "Recent checkpoints", checkpoints, choose)


def fill_camera_menu(menu: QMenu, cameras: Sequence[CameraInfo], choose: Callable[[str], None]) -> None:
    """Offer the cameras by name."""
    menu.clear()
    for camera in cameras:
        menu.addAction(camera.name, partial(choose, f"camera:{camera.index}"))
    if not cameras:
        menu.addAction("No camera found").setEnabled(False)


def _add_recent(menu: QMenu, heading: str, paths: Sequence[str], choose: Callable[[str], None]) -> None:
    if not paths:
        return
    menu.addSeparator()
    menu.addAction(heading).setEnabled(False)
    for path in paths:
        action = menu.addAction(Path(path).name.replace("&", "&&"), partial(choose, path))
        action.setToolTip(path)
    menu.setToolTipsVisible(True)
