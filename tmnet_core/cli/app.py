"""The `tmnet` command itself, and the arguments that several of its commands share."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tmnet_core import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Temporal Memory Network: learn from clips, recognise an action from one frame.",
)

DATA_HELP = "A folder of videos, one folder a class or with lists of their classes; a CSV file; or synthetic-people."
Checkpoint = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT", help="A .safetensors checkpoint of TMNet; to look, an exported .onnx file too."
    ),
]
DataChanges = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Say more of the data, such as data.split=2; as for train."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Engine = Annotated[str, typer.Option(help="auto, onnxruntime, ncnn, torch, torch-tf32, torch-fp16 or torch-bf16.")]
Video = Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.")]
Mirror = Annotated[bool, typer.Option(help="Mirror the frames left to right.")]
Crop = Annotated[
    Literal["centre", "whole"] | None, typer.Option(help="What part is seen; the checkpoint's own if left out.")
]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads of torch; 0 leaves torch its own choice.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"tmnet {__version__}")
        raise typer.Exit


@app.callback()
def _tmnet(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def use_threads(threads: int) -> None:
    """Give torch this many CPU threads; 0 leaves it its own choice."""
    if threads:
        import torch

        torch.set_num_threads(threads)


def prepare_engine(checkpoint: Path, device: str, engine: str, frames: int = 0) -> None:
    """Let a named engine be ready before a command looks with it: else torch would look meanwhile."""
    if engine == "auto" or engine.startswith("torch"):
        return
    from tmnet_core.live.engines import choice
    from tmnet_core.reporting import waiting

    with waiting(f"Preparing {engine}, which is kept for the next time"):
        choice.prepare_engine(checkpoint, device, engine, frames=frames)


def use_for_training(threads: int) -> None:
    """Make this process one that trains, with so many CPU threads, and then ends."""
    from tmnet_core.allocator import keep_freed_memory

    use_threads(threads)
    keep_freed_memory()


def this_command() -> str:
    """Return the command line of this process as one would type it, for files that say how they were made."""
    return shlex.join(["tmnet", *sys.argv[1:]])
