"""What the figures were taken on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch
from pydantic import BaseModel

from tmnet_core import __version__
from tmnet_core.benchmarks.interleaved import Clock, time_interleaved
from tmnet_core.device import describe_device

_MATRIX_SIDE = 1024
_PRODUCTS = 15
MATRIX_MULTIPLY_ADDS = _MATRIX_SIDE**3
MATRIX_PRODUCT = f"product of {_MATRIX_SIDE}×{_MATRIX_SIDE} matrices"


class Machine(BaseModel):
    """A machine, its software, and when it was measured.

    Attributes:
        load: processes that wanted a core over the last minute before it was measured; None where it cannot be told.
        matrix_gflops: 1e9 floating-point operations a second in products of fp32 matrices, on the device.
    """

    date: str
    processor: str
    cores: int
    device: str
    threads: int
    python: str
    torch: str
    onnxruntime: str
    ncnn: str
    tmnet: str
    load: float | None
    matrix_gflops: float

    def __str__(self) -> str:
        load = "" if self.load is None else f" under a load of {self.load:.1f}"
        return (
            f"{self.date}{load}: {self.processor}, {self.cores} cores; on {self.device} with {self.threads} torch "
            f"threads; matrix products {self.matrix_gflops:.0f} GFLOP/s; Python {self.python}, torch {self.torch}, "
            f"onnxruntime {self.onnxruntime}, ncnn {self.ncnn}, tmnet {self.tmnet}"
        )


def describe_machine(device: torch.device, clock: Clock = "wall") -> Machine:
    """Return what this process runs on, now; the rate of matrix products is by this clock."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        device=describe_device(device),
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        torch=torch.__version__,
        onnxruntime=_installed("onnxruntime"),
        ncnn=_installed("ncnn"),
        tmnet=__version__,
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        matrix_gflops=round(matrix_rate(device, clock) / 1e9, 1),
    )


def matrix_rate(device: torch.device, clock: Clock = "wall") -> float:
    """Return the floating-point operations a second of fp32 matrix products, two for each multiply-add."""
    timings = time_interleaved({MATRIX_PRODUCT: matrix_product(device)}, _PRODUCTS, clock=clock)
    return 2 * MATRIX_MULTIPLY_ADDS / timings.median(MATRIX_PRODUCT)


def matrix_product(device: torch.device) -> Callable[[], object]:
    """Return a product of two fp32 matrices, to time on the device."""
    matrix = torch.rand(_MATRIX_SIDE, _MATRIX_SIDE, device=device)
    # Fetching one value waits for the device.
    return lambda: (matrix @ matrix)[0, 0].item()


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _processor() -> str:
    """Return the processor's model; Linux keeps it in a file, elsewhere `platform` knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
