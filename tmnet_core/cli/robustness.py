"""What becomes of faults: `stress`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core.cli.app import app


@app.command()
def stress(
    what: Annotated[
        Literal["fuzz", "streams", "faults"],
        typer.Argument(
            help="fuzz: open damaged files; streams: play from a server that fails; faults: let each part of the "
            "window fail."
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="Damaged files, or cycles of each fault.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed does the same damage.")] = 0,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table to a file too, as Markdown if it is a .md.")
    ] = None,
) -> None:
    """Do damage on purpose and say what came of it; exit status 1 where anything failed."""
    from tmnet_core.benchmarks.machine import describe_machine
    from tmnet_core.benchmarks.robustness.report import StressReport
    from tmnet_core.device import choose_device
    from tmnet_core.reporting import progress_bar

    with progress_bar("Doing damage") as progress:
        if what == "fuzz":
            from tmnet_core.benchmarks.robustness.fuzz import fuzz

            rows = fuzz(count, seed=seed, progress=progress)
        elif what == "streams":
            from tmnet_core.benchmarks.robustness.streams import stress_streams

            rows = stress_streams(count, seed=seed, progress=progress)
        else:
            from tmnet_core.benchmarks.window import stress_app

            rows = stress_app(count)
    command = " ".join(["tmnet", *sys.argv[1:]])
    report = StressReport(machine=describe_machine(choose_device("cpu")), command=command, rows=rows)
    report.print()
    if json is not None:
        report.write(json)
    if report.failed:
        raise typer.Exit(1)
