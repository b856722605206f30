"""Lets the window measure itself, in a process of its own, so that the core never imports Qt."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from pydantic import BaseModel

from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.robustness.report import StressRow
from tmnet_core.errors import TMNetError

APP_BENCHMARK = "tmnet_app.benchmarks"


class AppFigures(BaseModel):
    """What the window's process hands over."""

    figures: list[Figure]


class AppRows(BaseModel):
    """What the window's process hands over of what it was put through."""

    rows: list[StressRow]


def measure_app(*arguments: str) -> list[Figure]:
    """Run `python -m tmnet_app.benchmarks` with these arguments; raises TMNetError where there is no app."""
    return AppFigures.model_validate_json(_run_app(*arguments)).figures


def stress_app(cycles: int) -> list[StressRow]:
    """Let each part of the window fail so often; raises TMNetError where there is no app."""
    return AppRows.model_validate_json(_run_app("faults", "--rounds", str(cycles))).rows


def _run_app(*arguments: str) -> str:
    """Return what the window's process wrote."""
    if importlib.util.find_spec("tmnet_app") is None or importlib.util.find_spec("PySide6") is None:
        raise TMNetError("the window cannot be measured: the app is not installed, try pip install 'tmnet[app]'")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        run = subprocess.run([sys.executable, "-m", APP_BENCHMARK, *arguments, "--json", str(result)], check=False)
        if run.returncode or not result.exists():
            raise TMNetError(f"measuring the window failed with exit status {run.returncode}")
        return result.read_text(encoding="utf-8")
