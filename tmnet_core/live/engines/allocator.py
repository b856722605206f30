"""Memory that was freed, and that the C library keeps."""

from __future__ import annotations

import ctypes
import sys


def give_back_memory() -> None:
    """Let the system have what was freed: of each closed ResNet-18 glibc keeps some 40 MB, 4 GB of fifty switches."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and keeps nothing
        if trim is not None:
            trim(0)
