"""Training: `train`, `runs`, `recipes`, `demo-network`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tmnet_core.cli.app import DATA_HELP, Threads, app, use_for_training

if TYPE_CHECKING:
    from tmnet_core.config import Recipe
    from tmnet_core.training.run_folder import RunFolder


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A TOML file, or a shipped recipe's name.")] = "quick",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as clip.frames=8.")
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    name: Annotated[str | None, typer.Option(help="The run's name.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where run folders are kept.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with this run: its folder, or its name.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Train in the background, and print the run's folder.")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="With --detach, GPUs that train together; a resumed run has as many as before."),
    ] = None,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="Resume although the recipe or the clips changed: both are accepted."),
    ] = False,
    accept_recipe: Annotated[
        bool, typer.Option("--accept-recipe", help="Resume although the recipe changed, but with the same clips.")
    ] = False,
    threads: Threads = 0,
) -> None:
    """Train a network; Ctrl-C saves, and --resume goes on. Under torchrun, its processes train together."""
    from tmnet_core.config import load_recipe
    from tmnet_core.errors import RecipeError
    from tmnet_core.training.launching import launch
    from tmnet_core.training.run_folder import RunFolder, default_runs_folder

    overrides = list(set_ or [])
    overrides += [f"data.root={_absolute(data)!r}"] if data else []

    def open_run() -> tuple[RunFolder, Recipe]:
        if resume is None:
            made = load_recipe(recipe, [*overrides, *([f"name={name!r}"] if name else [])])
            return RunFolder.create(runs or default_runs_folder(), made), made
        run = RunFolder.find(resume, runs or default_runs_folder())
        if name or (detach and overrides):
            raise RecipeError(f"run {resume}: it keeps its name, and in the background its recipe")
        return run, load_recipe(run.recipe_file, overrides)

    if processes and not detach:
        raise RecipeError("--processes is for --detach; in the foreground torchrun starts several processes")
    if detach:
        run, _ = open_run()
        launch(run, threads=threads, processes=processes)
        print(run.path)
        return
    use_for_training(threads)
    _train_here(
        open_run, new=resume is None, accept_recipe=accept_recipe or accept_changes, accept_clips=accept_changes
    )


def _train_here(
    open_run: Callable[[], tuple[RunFolder, Recipe]], *, new: bool, accept_recipe: bool, accept_clips: bool
) -> None:
    """Train in this process, and in those that torchrun started beside it."""
    from tmnet_core.errors import TMNetError
    from tmnet_core.reporting import TrainingReport
    from tmnet_core.training.distributed import join_ranks
    from tmnet_core.training.launching import claim
    from tmnet_core.training.trainer import train as train_run

    with join_ranks() as ranks:
        run, values = ranks.from_first(open_run)
        claim(run)
        try:
            with TrainingReport(run.path) as report:
                ended = train_run(
                    values,
                    run,
                    resume=not new,
                    accept_recipe=accept_recipe,
                    accept_clips=accept_clips,
                    ranks=ranks,
                    report=report.show,
                )
        except TMNetError:
            if new and ranks.first:
                run.discard_unless_trained()
            raise
    # torchrun takes any other status than 0 for a crash.
    if ended.outcome == "stopped" and ranks.count == 1:
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

    folder = folder or default_runs_folder()
    found = list(list_runs(folder))
    if not found and not json_:
        print(f"no runs in {folder}")
    elif json_:
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
    """Train the network that ships with the project again, from nothing but rendered people.

    Ctrl-C saves; the same command goes on.
    """
    from tmnet_core.reporting import TrainingReport, progress_bar
    from tmnet_core.training.demo_network import make_demo_network

    use_for_training(threads)
    with progress_bar("Finding joints") as progress, TrainingReport(out) as report:
        checkpoint = make_demo_network(out, overrides=set_, progress=progress, report=report.show)
    if checkpoint is None:
        raise typer.Exit(130)
    print(checkpoint)


def _absolute(data: str) -> str:
    """Make a folder's name good from any other folder, for the run's recipe; a word for rendered data stays."""
    folder = Path(data)
    return str(folder.resolve()) if folder.exists() else data
