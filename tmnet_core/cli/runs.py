"""Runs that train in the background: `stop`, `trial`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import DATA_HELP, Threads, app, use_for_training


class Way(StrEnum):
    """How a run is stopped."""

    KEEP = "keep"
    PAUSE = "pause"
    CONTINUE = "continue"
    CANCEL = "cancel"


@app.command()
def stop(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder, or its name.")],
    how: Annotated[
        Way, typer.Option(help="keep: save and end; pause, continue; cancel: end now, keep what was saved last.")
    ] = Way.KEEP,
) -> None:
    """Stop a run that trains in another process; --resume of `tmnet train` goes on with it."""
    from tmnet_core.errors import TMNetError
    from tmnet_core.training.launching import cancel, is_training
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder

    folder = RunFolder.find(run, default_runs_folder())
    if how is Way.CANCEL:
        cancel(folder)
        return
    if not is_training(folder):
        raise TMNetError(f"run {run}: no process trains it")
    match how:
        case Way.PAUSE:
            folder.ask_to_pause()
        case Way.CONTINUE:
            folder.ask_to_continue()
        case Way.KEEP:
            folder.ask_to_stop()


@app.command()
def trial(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")] = "quick",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as clip.frames=8.")
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result to a file too.")] = None,
    threads: Threads = 0,
) -> None:
    """Train a few steps of a recipe and tell what a run will need: memory, time, and what to change."""
    from tmnet_core.config import load_recipe
    from tmnet_core.files import replacing
    from tmnet_core.training.trial import try_recipe

    values = load_recipe(recipe, [*(set_ or []), *([f"data.root={data!r}"] if data else [])])
    use_for_training(threads)
    result = try_recipe(values, lambda what: print(what, flush=True))
    minutes = result.seconds / 60
    print(f"{result.device}: {result.memory_gib:.2f} of {result.available_gib:.2f} GiB, about {minutes:.1f} minutes")
    if result.advice:
        print(result.advice)
    if json is not None:
        with replacing(json) as temporary:
            temporary.write_text(result.model_dump_json(), encoding="utf-8")
