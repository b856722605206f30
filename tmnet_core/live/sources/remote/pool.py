"""Reader processes that wait to be used."""

from __future__ import annotations

import threading

from tmnet_core.live.sources.remote.process import Limits, ReaderProcess
from tmnet_core.live.sources.remote.remote_source import RemoteSource


class ReaderPool:
    """Opens sources in processes of their own, and keeps one process ready, so that opening does not wait for it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._spare: ReaderProcess | None = None
        self._closed = False

    def open(self, spec: str) -> RemoteSource:
        """Return a source that is still to be opened."""
        return RemoteSource(spec, self._take, went_well=self.prepare, limits=self._limits)

    def prepare(self) -> None:
        """Start a process ahead, unless one waits."""
        with self._lock:
            if not self._closed and (self._spare is None or not self._spare.alive):
                dead, self._spare = self._spare, ReaderProcess()
                if dead is not None:
                    dead.close()

    def close(self) -> None:
        """End the process that waits; those that are used end with their sources."""
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()

    def _take(self) -> ReaderProcess:
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None and not spare.alive:
            spare.close()
            spare = None
        return spare or ReaderProcess()
