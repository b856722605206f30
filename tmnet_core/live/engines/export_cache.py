"""Exported files of checkpoints that were looked with: exporting takes seconds, finding one again does not."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import platformdirs
import psutil

from tmnet_core import __version__
from tmnet_core.errors import EngineError
from tmnet_core.onnx_file import SUFFIX

KEPT = 8
# Goes up when the graph that is exported changes.
_GRAPH_VERSION = 3
_PATIENCE = 0.1


def cached_export(checkpoint: Path, frames: int = 0) -> Path:
    """Return where the export of a checkpoint is kept, whether or not it is there; its bytes and versions tell.

    `frames` is T of an export that looks at clips, 0 of one that looks at single frames.
    """
    with checkpoint.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    versions = [str(_GRAPH_VERSION), __version__, *(version(name) for name in ("torch", "onnx", "onnxruntime"))]
    key = hashlib.sha256(" ".join([content, str(frames), *versions]).encode()).hexdigest()[:32]
    return cache_folder() / f"{key}{SUFFIX}"


def cache_folder() -> Path:
    """Return the folder of exported files."""
    return platformdirs.user_cache_path("tmnet", appauthor=False) / "engines"


def export_in_background(checkpoint: Path, out: Path, cancelled: threading.Event, frames: int = 0) -> None:
    """Export in a process of its own, at low priority: the exporter would hold the GIL for seconds.

    Raises:
        EngineError: it failed, with what it said, or was cancelled.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"the folder {out.parent} cannot be made: {error.strerror}") from None
    command = [sys.executable, "-m", "tmnet_core", "export", str(checkpoint.absolute()), "--onnx", str(out)]
    command += ["--clip", str(frames)] if frames else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    _lower_priority(process.pid)
    said = ""
    while process.poll() is None:
        if cancelled.is_set():
            process.kill()
        try:
            _, said = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            continue
    if process.returncode:
        last = said.strip().rpartition("\n")[2].removeprefix("tmnet: ")
        raise EngineError(f"the export ended with status {process.returncode}: {last}")
    forget_oldest(out.parent)


def forget_oldest(folder: Path, kept: int = KEPT) -> None:
    """Remove all exported files of a folder but those used last."""
    by_use = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_use[kept:]:
        path.unlink(missing_ok=True)


def _lower_priority(pid: int) -> None:
    try:
        lowest = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10
        psutil.Process(pid).nice(lowest)
    except psutil.Error:
        # It has ended by now; its status says how.
        return
