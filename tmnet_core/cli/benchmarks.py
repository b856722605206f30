"""What this machine does: `bench`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import Device, Threads, app, use_threads


@app.command()
def bench(
    backbone: Annotated[
        str, typer.Option(help="The 2D network that TMNet is built on and compared with.")
    ] = "resnet18",
    size: Annotated[int, typer.Option(min=32, help="Side of the input, in pixels.")] = 224,
    rounds: Annotated[int, typer.Option(min=3, help="Interleaved rounds.")] = 30,
    engines: Annotated[
        bool, typer.Option("--engines", help="Measure the engines of the device, their branches, and preprocessing.")
    ] = False,
    rendering: Annotated[
        bool, typer.Option("--rendering", help="Measure how fast synthetic people are drawn.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Measure the window too, with a stand-in network.")] = False,
    soak: Annotated[
        float, typer.Option(min=0.0, help="Minutes of looping video for the memory check; 0 for none.")
    ] = 0.0,
    device: Device = "auto",
    threads: Threads = 1,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to a file too.")] = None,
) -> None:
    """Measure one glance against the plain network, side by side in one run."""
    from tmnet_core.benchmarks.report import run_benchmarks

    use_threads(threads)
    command = " ".join(["tmnet", *sys.argv[1:]])
    report = run_benchmarks(
        backbone,
        size=size,
        rounds=rounds,
        live=live,
        soak_minutes=soak,
        device=device,
        command=command,
        engines=engines,
        rendering=rendering,
    )
    report.print()
    if json is not None:
        report.write(json)
