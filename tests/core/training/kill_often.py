"""Trains one run without a break and one that is killed at random moments, and says whether they end alike.

A program of its own: what it forks has loaded everything already, so that the moments fall into training, not imports.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
import torch.utils.tensorboard  # what is loaded here is loaded in every child

from tmnet_core.checkpoint import load_checkpoint
from tmnet_core.config import load_recipe
from tmnet_core.training.events import Started, read_events
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train


def train_in_child(run: RunFolder) -> int:
    child = os.fork()
    if child == 0:
        try:
            train(run.recipe(), run, resume=True)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def exit_status(child: int, until: float = float("inf")) -> int | None:
    """Wait for a child that long; negative for a signal, None where it still runs."""
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def count_starts(run: RunFolder) -> int:
    return sum(isinstance(event, Started) for event in read_events(run.events_file)) if run.events_file.exists() else 0


def check_files(run: RunFolder) -> None:
    """Read all that a killed process left; what is half written raises."""
    if run.state_file.exists():
        run.load_state()
    for checkpoint in (run.best_checkpoint, run.last_checkpoint):
        if checkpoint.exists():
            load_checkpoint(checkpoint)


def main(recipe_file: str, folder: str, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    recipe = load_recipe(recipe_file)
    whole = RunFolder.create(Path(folder), recipe)
    assert exit_status(train_in_child(whole)) == 0
    events = list(read_events(whole.events_file))
    steps = events[-1].time - events[0].time

    killed = RunFolder.create(Path(folder), recipe)
    moments = random.Random(seed)
    done = 0
    saved = []
    while True:
        child = train_in_child(killed)
        status = None
        if done < kills and moments.random() > 0.2:  # the other moments are of the time before the first step
            starts = count_starts(killed)
            while status is None and count_starts(killed) == starts:
                status = exit_status(child, time.monotonic() + 0.01)
        # Such that all the kills come before the end.
        life = moments.uniform(0.0, 1.2 * steps / (kills + 1))
        if status is None:
            status = exit_status(child, time.monotonic() + life if done < kills else float("inf"))
        if status is not None:
            assert status == 0, f"the child ended with {status}"
            break
        os.kill(child, signal.SIGKILL)
        assert exit_status(child) == -signal.SIGKILL
        done += 1
        check_files(killed)
        saved.append(killed.load_state()["progress"]["iteration"] if killed.state_file.exists() else 0)
    print(json.dumps({"whole": str(whole.path), "killed": str(killed.path), "kills": done, "saved": saved}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
