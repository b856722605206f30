"""The engines that look by exports of one checkpoint on the CPU: made once, compared once, then found again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export_cache import cached_export, export_in_background
from tmnet_core.live.engines.ncnn_engine import NcnnEngine
from tmnet_core.live.engines.ncnn_export import why_no_ncnn
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.race import fastest

FASTEST = "auto"
ONNXRUNTIME = "onnxruntime"
NCNN = "ncnn"


class ExportedEngines:
    """Engines by name: onnxruntime, ncnn, or whichever of the two is faster here.

    Args:
        checkpoint: a `.safetensors` file.
        preprocessing: what it was trained with.
        threads: CPU threads of each engine.
        frames: T, to look at clips, which onnxruntime alone does; 0 for single frames.
    """

    def __init__(self, checkpoint: Path, preprocessing: Preprocessing, *, threads: int, frames: int = 0) -> None:
        self._checkpoint = checkpoint
        self._preprocessing = preprocessing
        self._threads = threads
        self._frames = frames
        self._cached = cached_export(checkpoint, frames)
        self._has_ncnn = not frames and why_no_ncnn() is None

    def find(self, name: str) -> Engine | None:
        """Open an engine whose export is kept; None where there is none, or a damaged one, which goes."""
        if name == FASTEST:
            known = self._cached.fastest(self._threads) if self._has_ncnn else ONNXRUNTIME
            return None if known not in (ONNXRUNTIME, NCNN) else self.find(known)
        if not (self._cached.ncnn if name == NCNN else self._cached.onnx).is_file():
            return None
        try:
            engine = self._open(name)
        except EngineError:
            self._cached.forget()
            return None
        self._cached.touch()
        return engine

    def make(self, name: str, cancelled: threading.Event) -> Iterator[Engine]:
        """Export in the background, which takes seconds, and yield each engine that is better than those before.

        Looking for the fastest, onnxruntime comes first, and then ncnn where that wins; the winner is remembered.

        Raises:
            EngineError: it could not be made, or was cancelled.
        """
        ncnn = self._has_ncnn and name != ONNXRUNTIME
        wanted = self._cached.ncnn if name == NCNN else self._cached.onnx
        converted = False
        try:
            for path in export_in_background(self._checkpoint, self._cached, cancelled, self._frames, ncnn=ncnn):
                converted |= path == self._cached.ncnn
                if path == wanted:
                    yield self._open(NCNN if name == NCNN else ONNXRUNTIME)
        except EngineError:
            # Not every network can be converted to ncnn; onnxruntime then looks alone.
            if name != FASTEST or cancelled.is_set() or not self._cached.onnx.is_file():
                raise
        if name == FASTEST and ncnn:
            yield from self._compare(converted, cancelled)

    def _compare(self, converted: bool, cancelled: threading.Event) -> Iterator[Engine]:
        """Yield ncnn if it is faster than onnxruntime, and remember which is."""
        names = [ONNXRUNTIME, NCNN] if converted else [ONNXRUNTIME]
        engines: dict[str, Engine] = {}
        winner: str | None = None
        try:
            # One of its own, since the other is at work in another thread.
            for name in names:
                engines[name] = self._open(name)
            winner = fastest(engines, self._preprocessing.size, cancelled)
        finally:
            for name, engine in engines.items():
                if name != winner or name == ONNXRUNTIME:
                    engine.close()
        if winner is not None:
            self._cached.remember_fastest(winner, self._threads)
        if winner == NCNN:
            yield engines[NCNN]

    def _open(self, name: str) -> Engine:
        if name == NCNN:
            return NcnnEngine(self._cached.ncnn, self._preprocessing, threads=self._threads)
        return OnnxruntimeEngine(self._cached.onnx, threads=self._threads)
