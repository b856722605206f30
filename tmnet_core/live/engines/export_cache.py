"""Exported files of checkpoints that were looked with: exporting takes seconds, finding one again does not."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs
import psutil

from tmnet_core import __version__
from tmnet_core.errors import EngineError
from tmnet_core.files import replacing
from tmnet_core.holder import this_host
from tmnet_core.live.engines import ncnn_export
from tmnet_core.onnx_file import SUFFIX
from tmnet_core.priority import NO_WINDOW, lower_priority

KEPT = 8
ONNXRUNTIME = "onnxruntime"
NCNN = "ncnn"
# Goes up when the graph that is exported changes.
_GRAPH_VERSION = 4
_PATIENCE = 0.1


@dataclass(frozen=True, slots=True)
class CachedExport:
    """Where the exports of a checkpoint are kept, whether or not they are there.

    What cannot be noted or removed, in a folder that is read-only or of a file that another program has open, stays.

    Attributes:
        onnx: the file for onnxruntime.
    """

    onnx: Path

    @property
    def ncnn(self) -> Path:
        """The `.param` file for ncnn; its weights lie beside it."""
        return self.onnx.with_suffix(ncnn_export.SUFFIX)

    def has(self, engine: str) -> bool:
        """Whether an engine's export is there, in whatever state."""
        return (self.ncnn if engine == NCNN else self.onnx).is_file()

    def fastest(self) -> str | None:
        """Return the engine that was found to be the fastest on this machine, None where none has been."""
        try:
            engine, _, host = self._verdict.read_text(encoding="utf-8").partition(" ")
        except (OSError, UnicodeDecodeError):
            return None
        return engine if host == this_host() and engine in (ONNXRUNTIME, NCNN) and self.has(engine) else None

    def remember_fastest(self, engine: str) -> None:
        """Keep the name of the fastest engine; where it cannot be kept, they are compared the next time as well."""
        with contextlib.suppress(OSError), replacing(self._verdict) as temporary:
            temporary.write_text(f"{engine} {this_host()}", encoding="utf-8")

    def note_use(self) -> None:
        """Keep it for longer: the cache forgets what was not used for longest."""
        for path in self._files:
            with contextlib.suppress(OSError):
                os.utime(path)

    def forget(self, engine: str) -> None:
        """Remove an engine's export, and which one was the fastest."""
        exported = [self.ncnn, ncnn_export.weights_of(self.ncnn)] if engine == NCNN else [self.onnx]
        _remove([*exported, self._verdict])

    @property
    def _files(self) -> list[Path]:
        return list(self.onnx.parent.glob(f"{self.onnx.stem}.*"))

    @property
    def _verdict(self) -> Path:
        return self.onnx.with_suffix(".fastest")


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


def export_apart(
    checkpoint: Path,
    out: CachedExport,
    engines: Sequence[str],
    cancelled: threading.Event,
    *,
    frames: int = 0,
    yields: bool = True,
) -> Iterator[str]:
    """Export in a process of its own, at low priority if it `yields`: the exporter would hold the GIL for seconds.

    Yields the engines asked for, `ONNXRUNTIME` before `NCNN`, each once its export is in place; where one fails, those
    before it stay.

    Raises:
        EngineError: it failed, with what it said, or was cancelled.
    """
    if not engines:
        return
    folder = out.onnx.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"the folder {folder} cannot be made: {error.strerror}") from None
    command = [sys.executable, "-m", "tmnet_core", "export", str(checkpoint.absolute())]
    command += ["--onnx", str(out.onnx)] if ONNXRUNTIME in engines else []
    command += ["--ncnn", str(out.ncnn)] if NCNN in engines else []
    command += ["--clip", str(frames)] if frames else []
    awaited = list(engines)
    # What a process leaves behind that is killed goes with this folder.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        errors = Path(scratch) / "errors.txt"
        with _started(command, scratch, errors) as process:
            if yields:
                lower_priority(process.pid)
            while _runs_on(process):
                if cancelled.is_set():
                    _kill(process.pid)
                elif len(awaited) > 1 and out.has(awaited[0]):
                    yield awaited.pop(0)
        said = errors.read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        last = said.strip().rpartition("\n")[2].removeprefix("tmnet: ")
        raise EngineError(f"the export ended with status {process.returncode}: {last}")
    forget_oldest(folder)
    yield from awaited


def forget_oldest(folder: Path, kept: int = KEPT) -> None:
    """Remove all exports of a folder but those of the checkpoints used last."""
    used: dict[str, float] = {}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            used[path.stem] = max(used.get(path.stem, 0.0), path.stat().st_mtime)
    for stem in sorted(used, key=lambda stem: used[stem], reverse=True)[kept:]:
        _remove(folder.glob(f"{stem}.*"))


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()


def _runs_on(process: subprocess.Popen[bytes]) -> bool:
    """Wait a moment for a process to end, and return whether it has not."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    return process.returncode is None


@contextlib.contextmanager
def _started(command: list[str], scratch: str, errors: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that leaves its temporary files in a folder, and does not outlive the block."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)
    environment = {**os.environ, **places, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    quiet = subprocess.DEVNULL
    with (
        errors.open("wb") as said,
        subprocess.Popen(
            command, env=environment, stdin=quiet, stdout=quiet, stderr=said, creationflags=NO_WINDOW
        ) as process,
    ):
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
