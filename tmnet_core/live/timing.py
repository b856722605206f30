"""When frames were captured, looked at and painted, and which never were."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tmnet_core.files import replacing

_KEPT = 20_000


@dataclass(frozen=True)
class Drops:
    """Frames that never reached the screen, by cause."""

    capture: int = 0
    inference: int = 0
    display: int = 0


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """One frame that was shown.

    Attributes:
        frame: its number in the source.
        time: seconds since the start of the source.
        glanced_ms: from capture until the network had answered; None without a network.
        shown_ms: from capture until it was painted.
        dropped_capture, dropped_network, dropped_drawing: frames that were lost until then, by cause.
    """

    frame: int
    time: float
    glanced_ms: float | None
    shown_ms: float
    dropped_capture: int
    dropped_network: int
    dropped_drawing: int


class TimingLog:
    """Keeps the timing of the last 20,000 frames shown."""

    def __init__(self) -> None:
        self._timings: deque[FrameTiming] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return len(self._timings)

    def note(
        self, frame: int, seconds: float, captured: float, glanced: float | None, shown: float, drops: Drops
    ) -> None:
        """Add a frame; `captured`, `glanced` and `shown` are times of `time.perf_counter()`."""
        glanced_ms = None if glanced is None else round(1e3 * (glanced - captured), 3)
        shown_ms = round(1e3 * (shown - captured), 3)
        dropped = drops.capture, drops.inference, drops.display
        self._timings.append(FrameTiming(frame, round(seconds, 6), glanced_ms, shown_ms, *dropped))

    def clear(self) -> None:
        """Begin anew, as for another source."""
        self._timings.clear()

    def write(self, path: Path) -> None:
        """Write a table: CSV, or JSON where the name ends in .json; OSError."""
        rows = [asdict(timing) for timing in self._timings]
        if path.suffix.lower() == ".json":
            text = json.dumps(rows, indent=1) + "\n"
        else:
            table = io.StringIO()
            writer = csv.DictWriter(table, [field.name for field in fields(FrameTiming)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            text = table.getvalue()
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
