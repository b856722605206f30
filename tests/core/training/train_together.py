"""Trains one run in processes that speak gloo, as torchrun would start them, but forked: imports take seconds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
import torch.utils.tensorboard  # what is loaded here is loaded in every child

from tmnet_core.training.distributed import join_ranks
from tmnet_core.training.events import Event, Paused, Validated
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train


def main(folder: str, count: int, port: int, stop_at: int) -> None:
    children = []
    for rank in range(count):
        child = os.fork()
        if child == 0:
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            os._exit(train_one(RunFolder.open(Path(folder)), stop_at))
        children.append(child)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(statuses)
    sys.exit(any(statuses))


def train_one(run: RunFolder, stop_at: int) -> int:
    torch.set_num_threads(1)

    def pause_and_stop(event: Event) -> None:
        if isinstance(event, Validated) and event.iteration == stop_at:
            run.ask_to_pause()
        if isinstance(event, Paused):
            run.ask_to_stop()

    try:
        with join_ranks() as ranks:
            train(run.recipe(), run, resume=True, ranks=ranks, report=pause_and_stop)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
