"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch
from pydantic import BaseModel

from tmnet_core import __version__
from tmnet_core.device import describe_device


class Machine(BaseModel):
    """A machine, its software, and when it was measured."""

    date: str
    processor: str
    cores: int
    device: str
    threads: int
    python: str
    torch: str
    tmnet: str

    def __str__(self) -> str:
        return (
            f"{self.date}: {self.processor}, {self.cores} cores; on {self.device} with {self.threads} torch threads; "
            f"Python {self.python}, torch {self.torch}, tmnet {self.tmnet}"
        )


def describe_machine(device: torch.device) -> Machine:
    """Return what this process runs on, now."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        device=describe_device(device),
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        torch=torch.__version__,
        tmnet=__version__,
    )


def _processor() -> str:
    """Return the processor's model; Linux keeps it in a file, elsewhere `platform` knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
