"""What became of the runs on this machine: `tmnet runs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from tmnet_core.config import Recipe, load_recipe, recipe_differences, shipped_recipes
from tmnet_core.errors import TMNetError
from tmnet_core.training.events import Continued, Ended, Event, Paused, Skipped, Started, Validated, current_events
from tmnet_core.training.launching import attach
from tmnet_core.training.run_folder import RunFolder

State = Literal["running", "paused", "stopped", "finished", "failed", "killed"]

# Where a run's data are and what it is called tells nothing of how it is trained.
_NOT_THE_RECIPE = ("name:", "data.root:", "data.validation_root:")


class RunSummary(BaseModel):
    """One run on a line.

    Attributes:
        state: `killed` means that its process is gone without a word; it goes on from what was saved last.
        iteration: the last one that was told of.
        recipe: the shipped recipe that it is nearest to.
        changes: where it differs from that one.
        best: figures of the best validation, by branch; empty before the first one.
        best_iteration: when that was.
        left_out: how many videos could not be read so far.
        reason: why it ended, where that was told.
    """

    name: str
    path: Path
    state: State
    iteration: int
    iterations: int
    network: str
    data: str
    recipe: str
    changes: list[str]
    best: dict[str, dict[str, float]]
    best_iteration: int | None
    left_out: int
    reason: str
    changed: float | None


class RememberedRuns:
    """Tells of runs again and again; one whose files and process are as they were is not read anew."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[object, RunSummary]] = {}

    def look(self, folder: Path) -> list[RunSummary]:
        """Return the runs in a folder as `list_runs` yields them."""
        runs = list(list_runs(folder, self._summarise))
        self._known = {run.path: self._known[run.path] for run in runs}
        return runs

    def _summarise(self, run: RunFolder) -> RunSummary:
        mark = (_version(run.recipe_file), _version(run.events_file), living_since(run))
        known = self._known.get(run.path)
        if known is None or known[0] != mark:
            known = self._known[run.path] = (mark, summarise_run(run))
        return known[1]


def list_runs(folder: Path, summarise: Callable[[RunFolder], RunSummary] | None = None) -> Iterator[RunSummary]:
    """Yield the runs in a folder, by name; folders that are no runs, or have a damaged recipe, are passed over."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            yield (summarise or summarise_run)(RunFolder.open(path))
        except TMNetError:
            continue


def summarise_run(run: RunFolder) -> RunSummary:
    """Tell a run's state from its files and processes; raises RecipeError where its recipe cannot be read."""
    recipe = run.recipe()
    events = current_events(run.events_file) if run.events_file.exists() else []
    validations = [event for event in events if isinstance(event, Validated)]
    best = next((event for event in reversed(validations) if event.best), None)
    started = [event for event in events if isinstance(event, Started)]
    ended = events[-1] if events and isinstance(events[-1], Ended) else None
    shipped, changes = nearest_recipe(recipe)
    return RunSummary(
        name=run.path.name,
        path=run.path,
        state=tell_state(run, events),
        iteration=max((event.iteration for event in events), default=0),
        iterations=started[-1].iterations if started else recipe.schedule.iterations,
        network=recipe.model.title,
        data=recipe.data.root,
        recipe=shipped,
        changes=changes,
        best=best.metrics if best else {},
        best_iteration=best.iteration if best else None,
        left_out=len({event.video for event in events if isinstance(event, Skipped)}),
        reason=ended.reason if ended else "",
        changed=events[-1].time if events else None,
    )


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def tell_state(run: RunFolder, events: list[Event]) -> State:
    """Return the state that a run's last events and its process, if that lives, speak of."""
    last = events[-1] if events else None
    since = living_since(run)
    if since is not None and not (isinstance(last, Ended) and last.time > since):
        moves = [event for event in events if isinstance(event, Started | Paused | Continued)]
        return "paused" if moves and isinstance(moves[-1], Paused) else "running"
    return last.outcome if isinstance(last, Ended) else "killed"


def living_since(run: RunFolder) -> float | None:
    """Return when the process that trains a run was asked for, in seconds since 1970; None where it lives no more."""
    process = attach(run)
    return process.launched if process is not None and process.alive else None


def nearest_recipe(recipe: Recipe) -> tuple[str, list[str]]:
    """Return the shipped recipe that differs least, and the lines of `recipe_differences` from it."""
    changes = {
        name: [line for line in recipe_differences(load_recipe(name), recipe) if not line.startswith(_NOT_THE_RECIPE)]
        for name in shipped_recipes()
    }
    nearest = min(changes, key=lambda name: (len(changes[name]), name))
    return nearest, changes[nearest]
