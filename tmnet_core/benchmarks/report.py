"""`tmnet bench`: all figures of one run, as a table, JSON and Markdown."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from tmnet_core.benchmarks.engines import engine_figures, time_engines
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.glance import GLANCE, GLANCE_WITH_MAPS, PLAIN, time_glance
from tmnet_core.benchmarks.interleaved import Timings
from tmnet_core.benchmarks.machine import Machine, describe_machine
from tmnet_core.benchmarks.rendering import measure_rendering
from tmnet_core.device import choose_device
from tmnet_core.errors import TMNetError
from tmnet_core.files import replacing
from tmnet_core.models.catalogue import BACKBONES, BackboneName

__all__ = ["AppFigures", "Figure", "Report", "measure_app", "run_benchmarks"]

RENDERING_SECONDS = 10.0

# The window is measured in a process of its own, so that the core never imports Qt.
APP_BENCHMARK = "tmnet_app.benchmark"


class Report(BaseModel):
    """The figures of one run, and what they were taken on."""

    machine: Machine
    command: str
    figures: list[Figure]

    def print(self) -> None:
        """Print a table."""
        table = Table(title=f"{self.command}\n{self.machine}", title_justify="left")
        for column in ("ratio", "median", "quartiles", "reach", "behind it"):
            table.add_column(column, justify="right" if column in {"median", "quartiles"} else "left")
        for figure in self.figures:
            table.add_row(figure.what, f"{figure.value:.3f}", _spread(figure), figure.limit, figure.detail)
        Console().print(table)

    def markdown(self) -> str:
        """Return the same as a Markdown table."""
        head = f"`{self.command}`, {self.machine}\n\n| ratio | median | quartiles | reach | behind it |\n"
        rows = [f"| {f.what} | {f.value:.3f} | {_spread(f)} | {f.limit} | {f.detail} |" for f in self.figures]
        return head + "|---|---:|---:|---|---|\n" + "\n".join(rows) + "\n"

    def write(self, path: Path) -> None:
        """Write JSON, or Markdown where the name ends in .md."""
        text = self.markdown() if path.suffix == ".md" else self.model_dump_json(indent=2) + "\n"
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def run_benchmarks(
    backbone: str,
    *,
    size: int,
    rounds: int,
    live: bool,
    soak_minutes: float,
    device: str,
    command: str,
    engines: bool = False,
    rendering: bool = False,
) -> Report:
    """Measure what is asked for; raises TMNetError where this machine cannot."""
    if backbone not in get_args(BackboneName):
        raise TMNetError(f"backbone {backbone!r}: not known; choose one of {', '.join(BACKBONES)}")
    chosen = choose_device(device)
    known: BackboneName = backbone  # type: ignore[assignment]
    timings = time_glance(known, size=size, rounds=rounds, device=chosen)
    figures = _glance_figures(known, timings)
    if engines:
        figures += engine_figures(known, time_engines(known, size=size, rounds=rounds, device=chosen))
    if rendering:
        figures.append(_rendering_figure())
    if live:
        figures += measure_app("live")
    if soak_minutes:
        figures += measure_app("soak", "--minutes", str(soak_minutes))
    return Report(machine=describe_machine(chosen), command=command, figures=figures)


def _rendering_figure() -> Figure:
    found = measure_rendering(RENDERING_SECONDS)
    return Figure(
        what="rendering a 160×120 frame of synthetic people / blurring and resizing it",
        value=found["ratio"],
        detail=f"{found['frames_a_second']:.0f} frames/s on one core (reach >= 300), {found['clips']:.0f} clips",
    )


def measure_app(*arguments: str) -> list[Figure]:
    """Let the window measure itself in a child process; raises TMNetError where there is no app."""
    if importlib.util.find_spec("tmnet_app") is None or importlib.util.find_spec("PySide6") is None:
        raise TMNetError("the window cannot be measured: the app is not installed, try pip install 'tmnet[app]'")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        run = subprocess.run([sys.executable, "-m", APP_BENCHMARK, *arguments, "--json", str(result)], check=False)
        if run.returncode or not result.exists():
            raise TMNetError(f"measuring the window failed with exit status {run.returncode}")
        return AppFigures.model_validate_json(result.read_text(encoding="utf-8")).figures


class AppFigures(BaseModel):
    """What the window's process hands over."""

    figures: list[Figure]


def _glance_figures(backbone: BackboneName, timings: Timings) -> list[Figure]:
    def figure(what: str, case: str, reference: str, limit: str) -> Figure:
        detail = f"{1e3 * timings.median(case):.2f} ms / {1e3 * timings.median(reference):.2f} ms"
        return Figure(
            what=what,
            value=timings.ratio(case, reference),
            spread=timings.ratio_spread(case, reference),
            limit=limit,
            detail=detail,
        )

    one = "<= 1.55" if backbone == "resnet18" else ""
    return [
        figure(f"TMNet {backbone}: one glance / plain {backbone}", GLANCE, PLAIN, one),
        figure(f"TMNet {backbone}: glance with both maps / without", GLANCE_WITH_MAPS, GLANCE, "<= 1.02"),
    ]


def _spread(figure: Figure) -> str:
    return f"{figure.spread[0]:.3f} to {figure.spread[1]:.3f}" if figure.spread else ""
