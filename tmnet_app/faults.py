"""Exceptions that nobody caught, and crashes of native code: told once, kept in a log."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO

import platformdirs
import psutil
from PySide6.QtCore import QObject, Signal

_log = logging.getLogger("tmnet_app")
_BYTES, _FILES = 1_000_000, 3


class FaultWatch(QObject):
    """Catches what would end in a console that may not be there; each fault is told once.

    `fault_caught` carries a sentence and the details, and may be emitted from any thread.
    """

    fault_caught = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._told: set[str] = set()
        self._before = sys.excepthook, threading.excepthook

    def install(self) -> None:
        """Begin to watch all threads."""
        sys.excepthook = self._catch
        threading.excepthook = lambda args: self._catch(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def remove(self) -> None:
        """Stop watching."""
        sys.excepthook, threading.excepthook = self._before

    def _catch(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, (KeyboardInterrupt, SystemExit)):
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        _log.error("Uncaught\n%s", details)
        if details not in self._told:
            self._told.add(details)
            cause = " ".join(str(error).split()) or kind.__name__
            self.fault_caught.emit(f"Something went wrong inside TMNet: {cause.rstrip('.')}.", details)


class CrashFile:
    """Keeps what the threads were doing when native code takes the process down, and finds what one before left.

    Attributes:
        before: what a process that is no more had written, empty where none crashed.
    """

    def __init__(self, folder: Path) -> None:
        self.before = ""
        self._file: IO[bytes] | None = None
        try:
            self.before = _collect_crashes(folder)
            self._file = (folder / f"crash-{os.getpid()}.txt").open("wb")
        except OSError:
            return  # a read-only home must not keep the window from opening
        faulthandler.enable(self._file)

    def close(self) -> None:
        """End without a crash: the file goes."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)


def _collect_crashes(folder: Path) -> str:
    """Return and remove what processes that are no more have written."""
    found = ""
    for path in sorted(folder.glob("crash-*.txt")):
        pid = path.stem.removeprefix("crash-")
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            found += path.read_text(encoding="utf-8", errors="replace")
            path.unlink()
    if found:
        _log.error("Ended abruptly\n%s", found)
    return found


def start_logging(folder: Path | None = None) -> Path:
    """Log warnings and worse to rotating files, and to the console where there is one; returns the file's path."""
    folder = folder or Path(platformdirs.user_log_dir("TMNet", appauthor=False))
    path = folder / "tmnet-app.log"
    handlers: list[logging.Handler] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
        )
    except OSError:
        pass  # a read-only home must not keep the window from opening
    if sys.stderr is not None:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.WARNING, handlers=handlers, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return path
