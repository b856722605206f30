"""How often something happens."""

from __future__ import annotations

import threading
import time
from collections import deque

_WINDOW = 1.0


class RateMeter:
    """Events per second over the last second; tick it from one thread, read it from another."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def tick(self, now: float | None = None) -> None:
        """Count one event, at `time.perf_counter()` unless another time of that clock is given."""
        now = time.perf_counter() if now is None else now
        with self._lock:
            self._times.append(now)
            self._forget(now)

    @property
    def rate(self) -> float:
        """Events per second; 0 when fewer than two came or none came for a second."""
        return self.rate_at(time.perf_counter())

    def rate_at(self, now: float) -> float:
        """Events per second over the second before `now`."""
        with self._lock:
            self._forget(now)
            intervals = len(self._times) - 1
            if intervals < 1 or self._times[-1] < now - _WINDOW:
                return 0.0
            first, last = self._times[0], self._times[-1]
            mean = (last - first) / intervals
            # Between two ticks the rate holds; when the next one is overdue, it sinks.
            end = last if now - last <= 2 * mean else now
            return intervals / (end - first) if end > first else 0.0

    def _forget(self, now: float) -> None:
        """Keep the ticks of the window and the one before it, whose interval reaches into the window."""
        while len(self._times) > 1 and self._times[1] < now - _WINDOW:
            self._times.popleft()
        if self._times and self._times[0] < now - 2 * _WINDOW:
            self._times.popleft()
