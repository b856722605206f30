"""`tmnet-app [CHECKPOINT] [SOURCE]`: opens the window."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

if sys.platform == "win32":
    # There torch's DLLs must be loaded before PySide6's, or they are not found.
    import torch  # noqa: F401

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from tmnet_app.faults import CrashFile, FaultWatch, start_logging
from tmnet_app.live_session import LiveSession
from tmnet_app.main_window import MainWindow
from tmnet_app.preferences import PreferenceStore
from tmnet_core.assets import asset
from tmnet_core.live.sources.remote import ReaderPool

_PATIENCE = 20.0  # seconds for threads to end once the window is closed


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    _require_display()
    log = start_logging()
    crashes = CrashFile(log.parent)
    app = QApplication.instance() or QApplication(["tmnet-app"])
    assert isinstance(app, QApplication)
    app.setApplicationName("TMNet")
    app.setWindowIcon(QIcon(str(asset("icons/tmnet.svg"))))
    watch = FaultWatch()
    watch.install()
    readers = ReaderPool()
    readers.prepare()
    window = _open_window(options, readers)
    watch.fault_caught.connect(window.status.show_message)
    if crashes.before:
        window.status.show_message("TMNet ended abruptly the last time.", crashes.before)
    # The session's timer gives Python its turn thirty times a second, so that Ctrl-C is heard.
    # Closing waits for the event loop: the signal may come in the middle of a paint event.
    signal.signal(signal.SIGINT, lambda *_: QTimer.singleShot(0, window, window.close))
    status = app.exec()
    readers.close()
    watch.remove()
    crashes.close()
    _await_threads(status)
    return status


def _await_threads(status: int) -> None:
    """Wait for what still computes; where that does not end, end the program at once.

    A thread that is in torch or in a decoder while Python takes itself apart brings the whole process down.
    """
    deadline = time.monotonic() + _PATIENCE
    for thread in threading.enumerate():
        if thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logging.getLogger(__name__).warning("%s did not end with the window", thread.name)
                logging.shutdown()
                os._exit(status)


def _require_display() -> None:
    """End with a sentence where Qt would abort."""
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        sys.exit("tmnet-app: there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set)")


def _open_window(options: argparse.Namespace, readers: ReaderPool) -> MainWindow:
    pictured = options.screenshot or options.animation or options.film_strip
    store = None if pictured else PreferenceStore()
    window = MainWindow(LiveSession(open_frames=readers.open), store)
    if options.theme:
        window.set_theme(options.theme)
    if options.size:
        window.resize(*options.size)
    if options.panel:
        _turn_to(window, options.panel)
    window.show()
    window.session.start()
    window.prepare_graphs()
    if store:
        window.training.announce()
    if options.demo:
        window.opener.open_demo()
    if options.checkpoint:
        window.opener.open_checkpoint(options.checkpoint)
    if options.source:
        window.opener.open_source(options.source)
    if options.animation:
        from tmnet_app.screenshot import Animator

        Animator(window, options.animation, options.seconds)
    if options.film_strip:
        from tmnet_app.training.film_strip import FilmStrip

        FilmStrip(window, options.clips, options.set, options.film_strip)
    if options.screenshot:
        from tmnet_app.screenshot import Screenshooter

        Screenshooter(window, options.screenshot, options.at, options.presentation)
    return window


def _turn_to(window: MainWindow, panel: str) -> None:
    panels = window.stage.details.panels
    if panel not in panels.buttons:
        sys.exit(f"tmnet-app: there is no panel {panel!r}; choose one of {', '.join(panels.buttons)}")
    panels.turn_to(panel)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tmnet-app", description="Watch TMNet look at a video, one frame at a time.")
    parser.add_argument("checkpoint", nargs="?", help="a .safetensors checkpoint")
    parser.add_argument("source", nargs="?", help="a video, a folder, an address, camera:0, screen or pattern")
    parser.add_argument("--demo", action="store_true", help="open the checkpoint and the video that ship with TMNet")
    parser.add_argument("--theme", choices=("system", "light", "dark"), help="colours of the window")
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window, such as 1280x800")
    shot = parser.add_argument_group("screenshots")
    shot.add_argument("--screenshot", type=Path, metavar="PNG", help="save a picture of the window and quit")
    shot.add_argument("--at", type=float, default=2.0, metavar="SECONDS", help="at this time of the source")
    shot.add_argument("--panel", metavar="NAME", help="turn to speed, engine, motion, clip or probe first")
    shot.add_argument("--presentation", action="store_true", help="in presentation mode")
    shot.add_argument("--animation", type=Path, metavar="WEBP", help="save an animated picture of the window and quit")
    shot.add_argument("--seconds", type=float, default=6.0, help="its length")
    shot.add_argument(
        "--film-strip", type=Path, metavar="WEBP", help="train on --clips, save four pictures of it and quit"
    )
    shot.add_argument("--clips", type=Path, metavar="FOLDER", help="a folder of classes")
    shot.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of its recipe")
    options = parser.parse_args(arguments)
    if options.film_strip and not options.clips:
        parser.error("--film-strip needs --clips FOLDER")
    if options.checkpoint and not options.source and not options.checkpoint.endswith((".safetensors", ".pt", ".pth")):
        # A video alone is a source to play without a network.
        options.checkpoint, options.source = None, options.checkpoint
    return options


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
