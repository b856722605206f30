"""What this machine does: `bench`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, get_args

import typer

from tmnet_core.benchmarks.registry import BENCHMARKS
from tmnet_core.cli.app import Device, Threads, app, use_threads
from tmnet_core.errors import TMNetError
from tmnet_core.models.catalogue import BACKBONES, BackboneName


def _with_a_flag_for_each_benchmark(command: Callable[..., None]) -> Callable[..., None]:
    """Put the registry's names in place of a command's `**asked`."""
    signature = inspect.signature(command, eval_str=True)
    flags = [
        inspect.Parameter(
            benchmark.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[bool, typer.Option(f"--{benchmark.name}", help=f"{benchmark.title}.")],
        )
        for benchmark in BENCHMARKS
    ]
    fixed = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = signature.replace(parameters=[*flags, *fixed])  # type: ignore[attr-defined]
    return command


@app.command()
@_with_a_flag_for_each_benchmark
def bench(
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of these.")] = False,
    backbone: Annotated[
        str, typer.Option(help="The 2D network that TMNet is built on and compared with.")
    ] = "resnet18",
    size: Annotated[int, typer.Option(min=32, help="Side of the input, in pixels.")] = 224,
    rounds: Annotated[int, typer.Option(min=3, help="Interleaved rounds.")] = 30,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long a soak lasts.")] = 10.0,
    frames: Annotated[
        int, typer.Option(min=0, help="Frames that a soak paints as fast as it can, in place of --minutes.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Real videos, for what is measured on videos.")
    ] = None,
    device: Device = "auto",
    threads: Threads = 1,
    processor_time: Annotated[
        bool,
        typer.Option("--processor-time", help="Time what one CPU thread computes; for a machine that does more."),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures to a file too, as Markdown if it is a .md.")
    ] = None,
    **asked: bool,
) -> None:
    """Measure this machine: ratios, side by side in one run; one glance beside the plain network by default."""
    if backbone not in get_args(BackboneName):
        raise TMNetError(f"backbone {backbone!r}: not known; choose one of {', '.join(BACKBONES)}")
    known: BackboneName = backbone  # type: ignore[assignment]

    from tmnet_core.benchmarks.conditions import Conditions
    from tmnet_core.benchmarks.interleaved import Clock
    from tmnet_core.benchmarks.report import run_benchmarks
    from tmnet_core.device import choose_device
    from tmnet_core.reporting import progress_bar

    use_threads(threads)
    chosen = choose_device(device)
    if processor_time and (chosen.type != "cpu" or threads != 1):
        raise TMNetError("--processor-time: one thread of the CPU is all that it can count; leave it out")
    clock: Clock = "processor" if processor_time else "wall"
    names = [name for name, wanted in asked.items() if wanted or everything]
    conditions = Conditions(known, size, rounds, chosen, data, minutes, frames, clock)
    report = run_benchmarks(names, conditions, " ".join(["tmnet", *sys.argv[1:]]), show_progress=progress_bar)
    report.print()
    if json is not None:
        report.write(json)
