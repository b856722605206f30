"""Stages that work side by side: what one makes waits in a short queue until the next takes it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

_DEPTH = 4
_LOOK_UP = 0.05


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


_END = object()


@contextmanager
def ahead(items: Iterable[Item], depth: int = _DEPTH) -> Iterator[Generator[Item]]:
    """Make items in a thread of their own, up to `depth` ahead of who takes them; all, in order.

    What the thread raises is raised where the item would have come. Leaving the block ends the thread, after the item
    that it is making.
    """
    waiting: queue.Queue[object] = queue.Queue(depth)
    left = threading.Event()

    def put(item: object) -> None:
        while not left.is_set():
            try:
                waiting.put(item, timeout=_LOOK_UP)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if left.is_set():
                    return
            put(_END)
        # The one who takes the items is to know, whatever it is.
        except BaseException as error:
            put(_Failed(error))

    def take() -> Generator[Item]:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        left.set()
        thread.join()
