"""Training: `train`, `runs`, `recipes`, `demo-network`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tmnet_core.cli.app import DATA_HELP, Threads, app, use_threads


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")] = "quick",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as clip.frames=8.")
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where run folders are kept.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with this run's folder.")] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Train in the background, and print the run's folder.")
    ] = False,
    threads: Threads = 0,
) -> None:
    """Train a network; Ctrl-C saves, and --resume goes on."""
    from tmnet_core.config import load_recipe
    from tmnet_core.errors import RecipeError, TMNetError
    from tmnet_core.training.launching import claim, launch
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder

    if resume is not None:
        run = RunFolder.open(resume)
        if set_ or data or name:
            raise RecipeError(f"run {resume}: it goes on with its own recipe, without --set, --data and --name")
        values = run.recipe()
    else:
        overrides = list(set_ or [])
        overrides += [f"data.root={_absolute(data)!r}"] if data else []
        overrides += [f"name={name!r}"] if name else []
        values = load_recipe(recipe, overrides)
        run = RunFolder.create(runs or default_runs_folder(), values)
    if detach:
        launch(run, threads=threads)
        print(run.path)
        return
    from tmnet_core.reporting import TrainingReport
    from tmnet_core.training.trainer import train as train_run

    use_threads(threads)
    claim(run)
    try:
        with TrainingReport(run.path) as report:
            # A run that was prepared by another program, or that never came to a save, starts at its beginning.
            ended = train_run(values, run, resume=run.state_file.exists(), report=report.show)
    except TMNetError:
        if resume is None:
            run.discard_unless_trained()
        raise
    if ended.outcome == "stopped":
        raise typer.Exit(130)


@app.command()
def runs(
    folder: Annotated[Path | None, typer.Option("--runs", help="Where run folders are kept.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print a JSON list instead of a table.")] = False,
) -> None:
    """List the runs: state, how far, best figures, and where the recipe differs from the nearest shipped one."""
    from tmnet_core.reporting import print_runs
    from tmnet_core.training.run_folder import default_runs_folder
    from tmnet_core.training.run_list import list_runs

    found = list(list_runs(folder or default_runs_folder()))
    if json_:
        print(json.dumps([run.model_dump(mode="json") for run in found], indent=2, ensure_ascii=False))
    else:
        print_runs(found)


@app.command()
def recipes(name: Annotated[str | None, typer.Argument(help="Print this recipe, complete.")] = None) -> None:
    """List the shipped recipes, or print one with every key explained."""
    from tmnet_core.config import dump_recipe, load_recipe, shipped_recipes

    if name is not None:
        print(dump_recipe(load_recipe(name)), end="")
        return
    for shipped, path in shipped_recipes().items():
        first_line = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        print(f"{shipped:12}{first_line}")


@app.command("demo-network")
def demo_network(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the runs and the checkpoint.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of both recipes.")
    ] = None,
    threads: Threads = 0,
) -> None:
    """Train the network that ships with the project again, from nothing but rendered people."""
    from tmnet_core.reporting import TrainingReport, progress_bar
    from tmnet_core.training.demo_network import make_demo_network

    use_threads(threads)
    with progress_bar("Finding joints") as progress, TrainingReport(out) as report:
        checkpoint = make_demo_network(out, overrides=set_, progress=progress, report=report.show)
    print(checkpoint)


def _absolute(data: str) -> str:
    """Make a folder's name good from any other folder, for the run's recipe; a word for rendered data stays."""
    folder = Path(data)
    return str(folder.resolve()) if folder.exists() else data
