"""The one place where a fast producer meets a slower consumer: newest wins, so no queue can grow."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds at most one item for any number of threads; a new item replaces one that nobody took.

    Attributes:
        dropped: how many items were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._item: T | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Offer an item, in place of the one that waits; ignored once closed."""
        with self._changed:
            if self._closed:
                return
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """Wait up to `timeout` seconds (None: for ever; 0: not at all) and remove the item; None if none came."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None, timeout)
            item, self._item = self._item, None
            if item is not None:
                self._changed.notify_all()
            return item

    def wait_until_taken(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds until no item waits to be taken; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or self._item is None, timeout)

    def peek(self) -> T | None:
        """Return the waiting item without taking it."""
        with self._changed:
            return self._item

    def close(self) -> None:
        """Drop the waiting item and wake everybody who waits: from now on `take` returns None at once."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()
