"""Exported files of checkpoints that were looked with: exporting takes seconds, finding one again does not."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs
import psutil

from tmnet_core import __version__
from tmnet_core.errors import EngineError
from tmnet_core.files import replacing
from tmnet_core.live.engines import ncnn_export
from tmnet_core.onnx_file import SUFFIX
from tmnet_core.priority import lower_priority

KEPT = 8
# Goes up when the graph that is exported changes.
_GRAPH_VERSION = 3
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class CachedExport:
    """Where the exports of a checkpoint are kept, whether or not they are there.

    Attributes:
        onnx: the file for onnxruntime.
    """

    onnx: Path

    @property
    def ncnn(self) -> Path:
        """The `.param` file for ncnn; its weights lie beside it."""
        return self.onnx.with_suffix(ncnn_export.SUFFIX)

    def fastest(self, threads: int) -> str | None:
        """Return the engine that was found to be the fastest with so many threads, None where none has been."""
        try:
            return self._verdict(threads).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def remember_fastest(self, engine: str, threads: int) -> None:
        """Keep the name of the fastest engine; where it cannot be kept, they are compared the next time as well."""
        with contextlib.suppress(OSError), replacing(self._verdict(threads)) as temporary:
            temporary.write_text(engine, encoding="utf-8")

    def touch(self) -> None:
        """Note that it was used: the cache forgets what was not used for longest."""
        self.onnx.touch()

    def forget(self) -> None:
        """Remove all that is kept of this checkpoint."""
        for path in self.onnx.parent.glob(f"{self.onnx.stem}.*"):
            path.unlink(missing_ok=True)

    def _verdict(self, threads: int) -> Path:
        return self.onnx.with_suffix(f".fastest-of-{threads}")


def cached_export(checkpoint: Path, frames: int = 0) -> CachedExport:
    """Return where the exports of a checkpoint are kept; its bytes and versions tell.

    `frames` is T of exports that look at clips, 0 of those that look at single frames.
    """
    with checkpoint.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    versions = [str(_GRAPH_VERSION), __version__, *map(_version, ("torch", "onnx", "onnxruntime", "ncnn", "pnnx"))]
    key = hashlib.sha256(" ".join([content, str(frames), *versions]).encode()).hexdigest()[:32]
    return CachedExport(cache_folder() / f"{key}{SUFFIX}")


def cache_folder() -> Path:
    """Return the folder of exported files."""
    return platformdirs.user_cache_path("tmnet", appauthor=False) / "engines"


def export_in_background(
    checkpoint: Path, out: CachedExport, cancelled: threading.Event, frames: int = 0, *, ncnn: bool = False
) -> Iterator[Path]:
    """Export in a process of its own, at low priority: the exporter would hold the GIL for seconds.

    Yields the ONNX file, and with `ncnn` that engine's too, each once it is in place; one may be there though the next
    fails.

    Raises:
        EngineError: it failed, with what it said, or was cancelled.
    """
    folder = out.onnx.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"the folder {folder} cannot be made: {error.strerror}") from None
    command = [sys.executable, "-m", "tmnet_core", "export", str(checkpoint.absolute()), "--onnx", str(out.onnx)]
    command += ["--clip", str(frames)] if frames else []
    command += ["--ncnn", str(out.ncnn)] if ncnn else []
    files = [out.onnx, out.ncnn] if ncnn else [out.onnx]
    # One that is there already will be replaced.
    awaited = [path for path in files if not path.is_file()]
    # What a process leaves behind that is killed goes with this folder.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, _started(command, scratch) as process:
        said = ""
        while process.poll() is None:
            if cancelled.is_set():
                _kill(process.pid)
            if awaited and awaited[0].is_file():
                files.remove(awaited[0])
                yield awaited.pop(0)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _, said = process.communicate(timeout=_PATIENCE)
    if process.returncode:
        last = said.strip().rpartition("\n")[2].removeprefix("tmnet: ")
        raise EngineError(f"the export ended with status {process.returncode}: {last}")
    forget_oldest(folder)
    yield from files


def forget_oldest(folder: Path, kept: int = KEPT) -> None:
    """Remove all exports of a folder but those used last."""
    by_use = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_use[kept:]:
        CachedExport(path).forget()


@contextlib.contextmanager
def _started(command: list[str], scratch: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that leaves its temporary files in a folder, and does not outlive the block."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
    with subprocess.Popen(
        command,
        env={**os.environ, **places, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        lower_priority(process.pid)
        try:
            yield process
        finally:
            if process.poll() is None:
                _kill(process.pid)


def _kill(pid: int) -> None:
    """End a process and those that it started: the converter of ncnn is a program of its own."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                each.kill()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
