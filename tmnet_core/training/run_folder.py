"""The folder of a run: its recipe, its events, its checkpoints, and the files that ask it to stop or to hold."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any, Self

import platformdirs

from tmnet_core.config import Recipe, dump_recipe, load_recipe
from tmnet_core.errors import RecipeError, TMNetError
from tmnet_core.files import replacing

BEST_NAME = "best.safetensors"


def default_runs_folder() -> Path:
    """Return where runs go if nobody says otherwise: TMNET_RUNS, else the user's data folder."""
    return Path(os.environ.get("TMNET_RUNS") or platformdirs.user_data_path("tmnet", appauthor=False) / "runs")


class RunFolder:
    """One training on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.toml"
        self.events_file = path / "events.jsonl"
        self.best_checkpoint = path / BEST_NAME
        self.last_checkpoint = path / "last.safetensors"
        self.state_file = path / "state.pt"
        self.environment_file = path / "environment.json"
        self.metrics_file = path / "metrics.csv"
        self.log_file = path / "log.txt"
        self.process_file = path / "process.json"
        self.tensorboard_folder = path / "tensorboard"
        self.samples_folder = path / "samples"
        self.stop_file = path / "stop"
        self.pause_file = path / "pause"

    @classmethod
    def create(cls, runs: Path, recipe: Recipe) -> Self:
        """Make a new folder named after the recipe; a number follows where the name is taken."""
        number = 1
        while True:
            name = recipe.name if number == 1 else f"{recipe.name}-{number}"
            try:
                (runs / name).mkdir(parents=True)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise TMNetError(f"run folder {runs / name}: {error.strerror}") from None
            run = cls(runs / name)
            run.write_recipe(recipe)
            return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing run; raises RecipeError where the folder is none."""
        run = cls(path)
        if not run.recipe_file.is_file():
            raise RecipeError(f"run {path}: not the folder of a run, it has no recipe.toml")
        return run

    @classmethod
    def find(cls, name: Path, runs: Path) -> Self:
        """Open a run by its path, else by its name in a folder of runs; raises RecipeError where there is neither."""
        if name.exists():
            return cls.open(name)
        if name.name != str(name) or not (runs / name).exists():
            raise RecipeError(f"run {name}: there is no such folder, and no run of this name in {runs}")
        return cls.open(runs / name)

    def discard_unless_trained(self) -> None:
        """Remove the folder of a run that could not begin: it has a recipe and events, but nothing to go on from."""
        if not self.state_file.exists() and not self.best_checkpoint.exists():
            shutil.rmtree(self.path, ignore_errors=True)

    def recipe(self) -> Recipe:
        """Read the run's recipe."""
        return load_recipe(self.recipe_file)

    def write_recipe(self, recipe: Recipe) -> None:
        """Make this the run's recipe."""
        with replacing(self.recipe_file) as temporary:
            temporary.write_text(dump_recipe(recipe), encoding="utf-8")

    def clear_leftovers(self) -> None:
        """Remove what a killed process left half written, and a request to pause: who starts a run wants it to go."""
        for leftover in self.path.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        self.ask_to_continue()

    def clear_requests(self) -> None:
        """Take back what an earlier process was asked for and did not live to see."""
        for request in (self.stop_file, self.pause_file):
            request.unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """Ask the training process to save and end; it looks after each step."""
        self.stop_file.touch()

    def take_stop_request(self) -> bool:
        """Return whether somebody asked to stop, and clear the request."""
        if not self.stop_file.exists():
            return False
        self.stop_file.unlink(missing_ok=True)
        return True

    def ask_to_pause(self) -> None:
        """Ask the training process to hold after its step, until `ask_to_continue`."""
        self.pause_file.touch()

    def ask_to_continue(self) -> None:
        """Take back the request to pause."""
        self.pause_file.unlink(missing_ok=True)

    def is_asked_to_pause(self) -> bool:
        """Return whether the training process is to hold."""
        return self.pause_file.exists()

    def save_state(self, state: dict[str, Any]) -> None:
        """Write all that resuming needs, in one file and one step, so that it cannot be torn.

        Raises:
            OSError: where it cannot be written; what was saved before is still there.
        """
        import torch

        with replacing(self.state_file) as temporary, temporary.open("wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:
                # torch's own error, of its archive, hides the one of the disk.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    def load_state(self) -> dict[str, Any]:
        """Read what `save_state` wrote; raises TMNetError where there is nothing to go on from."""
        import torch

        try:
            state: dict[str, Any] = torch.load(self.state_file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise TMNetError(f"run {self.path}: nothing was saved yet that training could go on from") from None
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError):
            raise TMNetError(f"run {self.path}: {self.state_file.name} is damaged, training cannot go on") from None
        return state
