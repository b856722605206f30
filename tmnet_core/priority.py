"""Processes in the background stay out of a person's way: they yield the processor, and show no console."""

from __future__ import annotations

import subprocess
import sys

import psutil

LOWERED_BY = 10
_LOWEST = 19
# `creationflags` of a program without a window; on Windows it would have a console.
NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


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
