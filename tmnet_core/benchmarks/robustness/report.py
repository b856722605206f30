"""What was tried and what came of it, as a table to print and keep."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from tmnet_core.benchmarks.machine import Machine
from tmnet_core.files import replacing


class StressRow(BaseModel):
    """One thing that was tried again and again.

    Attributes:
        what: what was done.
        tried: how often.
        outcomes: what came of it, and how often.
        failures: what must not have come of it, one text each.
        detail: what was measured meanwhile.
    """

    what: str
    tried: int
    outcomes: dict[str, int] = Field(default_factory=dict)
    failures: list[str] = Field(default_factory=list)
    detail: str = ""

    def count(self, outcome: str) -> None:
        """Count one more of this outcome."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


class StressReport(BaseModel):
    """The rows of one run, and what they were taken on."""

    machine: Machine
    command: str
    rows: list[StressRow]

    @property
    def failed(self) -> bool:
        """Whether anything went wrong."""
        return any(row.failures for row in self.rows)

    def print(self) -> None:
        """Print the table, and every failure below it."""
        console = Console()
        console.print(f"{self.command}\n{self.machine}", highlight=False, markup=False)
        table = Table()
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column in {"tried", "failures"} else "left")
        for row in self.rows:
            table.add_row(*_cells(row))
        console.print(table)
        for row in self.rows:
            for failure in row.failures:
                console.print(f"{row.what}: {failure}", highlight=False, markup=False)

    def markdown(self) -> str:
        """Return the table as Markdown."""
        text = f"`{self.command}`, {self.machine}\n\n| {' | '.join(_COLUMNS)} |\n|---|---:|---|---:|---|\n"
        return text + "".join(f"| {' | '.join(_cells(row))} |\n" for row in self.rows)

    def write(self, path: Path) -> None:
        """Write JSON, or Markdown where the name ends in .md."""
        text = self.markdown() if path.suffix == ".md" else self.model_dump_json(indent=2) + "\n"
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


_COLUMNS = ("what", "tried", "came of it", "failures", "meanwhile")


def _cells(row: StressRow) -> tuple[str, ...]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(row.outcomes.items()))
    return row.what, str(row.tried), outcomes, str(len(row.failures)), row.detail
