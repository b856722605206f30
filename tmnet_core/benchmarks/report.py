"""`tmnet bench`: all figures of one run, as tables, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure
from tmnet_core.benchmarks.machine import Machine, describe_machine
from tmnet_core.benchmarks.registry import BENCHMARKS, DEFAULT
from tmnet_core.files import replacing

_COLUMNS = ("ratio", "median", "quartiles", "reach", "behind it")


class Section(BaseModel):
    """The figures of one benchmark."""

    name: str
    title: str
    figures: list[Figure]


class Report(BaseModel):
    """The figures of one run, and what they were taken on."""

    machine: Machine
    command: str
    sections: list[Section]

    def print(self) -> None:
        """Print a table a benchmark."""
        console = Console()
        console.print(f"{self.command}\n{self.machine}", highlight=False, markup=False)
        for section in self.sections:
            table = Table(title=section.title, title_justify="left")
            for column in _COLUMNS:
                table.add_column(column, justify="right" if column in {"median", "quartiles"} else "left")
            for figure in section.figures:
                table.add_row(*_cells(figure))
            console.print(table)

    def markdown(self) -> str:
        """Return the same as Markdown tables."""
        text = f"`{self.command}`, {self.machine}\n"
        for section in self.sections:
            text += f"\n**{section.title}**\n\n| {' | '.join(_COLUMNS)} |\n|---|---:|---:|---|---|\n"
            text += "".join(f"| {' | '.join(_cells(figure))} |\n" for figure in section.figures)
        return text

    def write(self, path: Path) -> None:
        """Write JSON, or Markdown where the name ends in .md."""
        text = self.markdown() if path.suffix == ".md" else self.model_dump_json(indent=2) + "\n"
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


@contextmanager
def _no_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


def run_benchmarks(
    names: Collection[str],
    conditions: Conditions,
    command: str,
    *,
    show_progress: Callable[[str], AbstractContextManager[Callable[[int, int], None]]] = _no_bar,
) -> Report:
    """Run the named benchmarks of the registry in its order, or the default one where none is named.

    Raises:
        TMNetError: this machine cannot measure one of them.
    """
    machine = describe_machine(conditions.device, conditions.clock)
    sections = []
    for benchmark in BENCHMARKS:
        if benchmark.name in (names or (DEFAULT,)):
            with show_progress(benchmark.title) as progress:
                figures = benchmark.measure(replace(conditions, progress=progress))
            sections.append(Section(name=benchmark.name, title=benchmark.title, figures=figures))
    return Report(machine=machine, command=command, sections=sections)


def _cells(figure: Figure) -> tuple[str, ...]:
    spread = f"{figure.spread[0]:.3f} to {figure.spread[1]:.3f}" if figure.spread else ""
    return figure.what, f"{figure.value:.3f}", spread, figure.limit, figure.detail
