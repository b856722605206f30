"""The engines that look by exports of one checkpoint on the CPU: made once, compared once, then found again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.export_cache import NCNN, ONNXRUNTIME, cached_export, export_apart
from tmnet_core.live.engines.ncnn_engine import NcnnEngine
from tmnet_core.live.engines.ncnn_export import why_no_ncnn
from tmnet_core.live.engines.onnxruntime_engine import OnnxruntimeEngine
from tmnet_core.live.engines.race import is_faster

FASTEST = "auto"


class ExportedEngines:
    """Engines by name: onnxruntime, ncnn, or whichever of the two is faster here.

    They are compared only where each has one thread. Several of ncnn's wait for each other by spinning: where another
    program takes one of their cores, a glance can last a hundred times as long.

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
        self._compares = threads == 1 and not frames and why_no_ncnn() is None

    def find(self, name: str) -> Engine | None:
        """Open an engine whose export is kept, of the fastest what is known of it; None where there is none."""
        if name == FASTEST:
            name = (self._cached.fastest() if self._compares else None) or ONNXRUNTIME
        if not self._cached.has(name):
            return None
        try:
            engine = self._open(name)
        except EngineError:
            # It is damaged, and made anew.
            self._cached.forget(name)
            return None
        self._cached.note_use()
        return engine

    def is_settled(self, name: str) -> bool:
        """Whether no faster engine than the one found can be made."""
        return name != FASTEST or not self._compares or self._cached.fastest() is not None

    def make(self, name: str, cancelled: threading.Event, *, yields: bool = True) -> Iterator[Engine]:
        """Export what is missing, which takes seconds, and yield each engine that is better than those before.

        Looking for the fastest, onnxruntime comes first unless it was found, and then ncnn if that is faster. The
        export has a low priority, so that it `yields` to whoever looks meanwhile, unless nobody does.

        Raises:
            EngineError: one could not be made, or was cancelled; those before may go on.
        """
        wanted = [name]
        if name == FASTEST:
            wanted = [ONNXRUNTIME, NCNN] if self._compares else [ONNXRUNTIME]
        missing = [each for each in wanted if not self._cached.has(each)]
        for made in export_apart(
            self._checkpoint, self._cached, missing, cancelled, frames=self._frames, yields=yields
        ):
            if made == wanted[0]:
                yield self._open(made)
        if len(wanted) > 1:
            yield from self._compare(cancelled)

    def _compare(self, cancelled: threading.Event) -> Iterator[Engine]:
        """Yield ncnn if it is faster than onnxruntime, and remember which is."""
        challenger = self._open(NCNN)
        faster: bool | None = None
        try:
            # One of its own, since the other is at work in another thread.
            champion = self._open(ONNXRUNTIME)
            try:
                faster = is_faster(challenger, champion, self._preprocessing.size, cancelled)
            finally:
                champion.close()
        finally:
            if not faster:
                challenger.close()
        if faster is not None:
            self._cached.remember_fastest(NCNN if faster else ONNXRUNTIME)
        if faster:
            yield challenger

    def _open(self, name: str) -> Engine:
        if name == NCNN:
            return NcnnEngine(self._cached.ncnn, self._preprocessing, threads=self._threads)
        return OnnxruntimeEngine(self._cached.onnx, threads=self._threads)
