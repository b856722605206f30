"""Answers at once with one engine, and with faster ones as soon as they are ready."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import EngineError, TMNetError
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.outputs import EngineOutputs
from tmnet_core.models.branch import Branch


class HandoverEngine(Engine):
    """Looks with `first` while a thread prepares others, each of which takes over between two glances.

    Args:
        first: the engine to begin with; it is closed when another takes over.
        prepare: yields engines, each better than those before, and gives up soon once the event is set.
        prepared: what is being prepared, for a person.
        after: how many glances go by before the thread starts: whoever wants a few has no use for it.
    """

    def __init__(
        self, first: Engine, prepare: Callable[[threading.Event], Iterator[Engine]], prepared: str, *, after: int = 0
    ) -> None:
        self._engine = first
        self._prepare = prepare
        self._prepared = prepared
        self._after = after
        self._glances = 0
        self._ready: queue.SimpleQueue[Engine] = queue.SimpleQueue()
        self._failure = ""
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tmnet-engine", daemon=True)
        if not after:
            self._thread.start()

    @property
    def title(self) -> str:
        """What runs, and what is being prepared or could not be."""
        if self._failure:
            return f"{self._engine.title} ({self._failure})"
        return f"{self._engine.title}, preparing {self._prepared}" if self._thread.is_alive() else self._engine.title

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the network answers with."""
        return self._engine.branches

    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look with the best engine there is by now."""
        self._glances += 1
        if self._glances == self._after:
            self._thread.start()
        self._take_over()
        return self._engine.look(images, branches, maps=maps)

    def wait(self, timeout: float) -> None:
        """Wait until no engine is being prepared any more."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def close(self) -> None:
        """Stop preparing and free all engines."""
        self._cancelled.set()
        if self._thread.is_alive():
            self._thread.join()
        self._take_over()
        self._engine.close()

    def _take_over(self) -> None:
        """Change engines in the thread that looks, so that none is closed under a glance."""
        while not self._ready.empty():
            self._engine.close()
            self._engine = self._ready.get()

    def _run(self) -> None:
        try:
            for engine in self._prepare(self._cancelled):
                self._ready.put(engine)
        except TMNetError as error:
            self._failure = str(error)
        except Exception as error:
            cause = " ".join(str(error).split()) or type(error).__name__
            self._failure = str(EngineError(f"{self._prepared} could not be prepared: {cause}"))
