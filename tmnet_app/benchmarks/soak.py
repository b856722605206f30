"""The window's memory over a long time."""

from __future__ import annotations

import gc
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from tmnet_app.benchmarks.stand_in_window import open_window, run_events, write_video
from tmnet_core.benchmarks.figure import Figure

MEMORY_REACH = 1.03


def measure_soak(minutes: float) -> list[Figure]:
    """Return the resident memory at the end over that after a tenth of the time, and the drift of object counts.

    A looping video plays all along. Ten minutes are what the project's reach is set for.
    """
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        window, _, counter = open_window(write_video(Path(folder)))
        run_events(60.0 * minutes / 10)
        before, objects_before = _resident(process), _count_objects()
        threads_before, painted = threading.active_count(), counter.count
        references_before = _references()
        peak = before
        for _ in range(9):
            run_events(60.0 * minutes / 10)
            peak = max(peak, _resident(process))
        objects, references = _count_objects(), _references()
        threads, painted = threading.active_count(), counter.count - painted
        window.close()
    detail = f"{before / 2**20:.1f} MiB to at most {peak / 2**20:.1f} MiB, {painted} paints, {minutes:g} min"
    return [
        Figure(
            what="resident memory: peak / after the first tenth",
            value=peak / before,
            limit=f"<= {MEMORY_REACH}",
            detail=detail,
        ),
        Figure(
            what="live Python objects: end / after the first tenth",
            value=objects / objects_before,
            limit="<= 1.01",
            detail=f"{objects_before} to {objects}, threads {threads_before} to {threads}",
        ),
        Figure(
            what="references to None and True: end - after the first tenth, per paint",
            value=(references - references_before) / max(1, painted),
            limit="< 0.01",
            detail=f"{references_before} to {references}",
        ),
    ]


def _resident(process: psutil.Process) -> int:
    gc.collect()
    return int(process.memory_info().rss)


def _count_objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _references() -> int:
    """Return the references to objects that a faulty binding leaks at every signal or paint."""
    return sys.getrefcount(None) + sys.getrefcount(True)
