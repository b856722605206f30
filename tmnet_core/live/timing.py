"""When frames were captured, looked at and painted, and which never were."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from tmnet_core.files import replacing

_KEPT = 20_000


@dataclass(frozen=True)
class Drops:
    """Frames that never reached the screen, by cause."""

    capture: int = 0
    inference: int = 0
    display: int = 0


# Of a frame that was shown: its number, its time in the source in seconds, milliseconds from its capture until the
# network had answered (nothing without a network) and until it was painted, and the frames lost until then, by cause.
COLUMNS = ("frame", "time", "glanced_ms", "shown_ms", "dropped_capture", "dropped_network", "dropped_drawing")


class TimingLog:
    """Keeps the timing of the last 20,000 frames shown, a row of COLUMNS each."""

    def __init__(self) -> None:
        self._rows: deque[tuple[float | None, ...]] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return len(self._rows)

    def note(
        self, frame: int, seconds: float, captured: float, glanced: float | None, shown: float, drops: Drops
    ) -> None:
        """Add a frame; `captured`, `glanced` and `shown` are times of `time.perf_counter()`."""
        glanced_ms = None if glanced is None else round(1e3 * (glanced - captured), 3)
        shown_ms = round(1e3 * (shown - captured), 3)
        dropped = drops.capture, drops.inference, drops.display
        self._rows.append((frame, round(seconds, 6), glanced_ms, shown_ms, *dropped))

    def clear(self) -> None:
        """Begin anew, as for another source."""
        self._rows.clear()

    def write(self, path: Path) -> None:
        """Write a table: CSV, or JSON where the name ends in .json; OSError."""
        if path.suffix.lower() == ".json":
            text = json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in self._rows], indent=1) + "\n"
        else:
            table = io.StringIO()
            csv.writer(table, lineterminator="\n").writerows([COLUMNS, *self._rows])
            text = table.getvalue()
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
