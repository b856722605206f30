"""What works in the background yields the processor to whoever looks at a window."""

from __future__ import annotations

import sys

import psutil

LOWERED_BY = 10
_LOWEST = 19


def lower_priority(pid: int) -> None:
    """Let a process have the processor when nothing of this one's priority wants it; no matter if it ended by now."""
    try:
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(min(_LOWEST, psutil.Process().nice() + LOWERED_BY))
    except psutil.Error:
        return
