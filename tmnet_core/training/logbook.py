"""Writes down what happens in a run: for the window, for a spreadsheet, for TensorBoard, and for a reader."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tmnet_core.files import replacing
from tmnet_core.training.events import (
    Ended,
    Event,
    EventLog,
    Started,
    Stepped,
    Validated,
    current_events,
    describe_event,
)
from tmnet_core.training.run_folder import RunFolder

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Logbook:
    """Hands every event of a run to its files and to whoever listens.

    `events.jsonl` is only ever appended to and is the truth. When a killed run goes on, the steps after its last saved
    one happen again: `metrics.csv` is written anew without their rows, and TensorBoard is told to drop them.
    """

    def __init__(self, run: RunFolder, report: Callable[[Event], None]) -> None:
        self._run = run
        self._report = report
        self._open = ExitStack()
        self._events = self._open.enter_context(EventLog(run.events_file))
        self._board: SummaryWriter | None = None
        self._validations: list[Validated] = []

    def tell(self, event: Event) -> None:
        """Write down one event."""
        self._events.write(event)
        if isinstance(event, Validated | Ended):
            self._events.sync()
        if isinstance(event, Started):
            self._begin(event)
        if isinstance(event, Validated):
            self._validations.append(event)
            write_metrics(self._run.metrics_file, self._validations)
        if self._board is not None:
            _add_to_board(self._board, event)
        self._add_to_log(event)
        self._report(event)

    def _begin(self, event: Started) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._validations = [old for old in current_events(self._run.events_file) if isinstance(old, Validated)]
        if self._validations or self._run.metrics_file.exists():
            write_metrics(self._run.metrics_file, self._validations)
        # A folder's `purge_step` makes TensorBoard drop what an earlier process wrote of later steps.
        self._board = SummaryWriter(str(self._run.tensorboard_folder), purge_step=event.iteration + 1)
        self._open.callback(self._board.close)

    def _add_to_log(self, event: Event) -> None:
        line = describe_event(event)
        if line and not _goes_to(self._run.log_file):
            stamp = datetime.fromtimestamp(event.time).isoformat(" ", timespec="seconds")
            with self._run.log_file.open("a", encoding="utf-8") as log:
                log.write(f"{stamp}  {line}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def write_metrics(path: Path, validations: list[Validated]) -> None:
    """Write one row for each validation: when, at which iteration, whether it was the best, and its figures."""
    rows = [
        {
            "iteration": event.iteration,
            "time": datetime.fromtimestamp(event.time).isoformat(timespec="seconds"),
            "best": int(event.best),
            **{f"{branch} {name}": value for branch, named in event.metrics.items() for name, value in named.items()},
        }
        for event in validations
    ]
    columns = list(dict.fromkeys(column for row in rows for column in row)) or ["iteration", "time", "best"]
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _add_to_board(board: SummaryWriter, event: Event) -> None:
    values: dict[str, float | None] = {}
    if isinstance(event, Stepped):
        values = {
            "loss/total": event.loss,
            "loss/classification": event.classification_loss,
            "loss/regression": event.regression_loss,
            "training/learning rate": event.learning_rate,
            "training/clips per second": event.clips_per_second,
            "training/memory GiB": event.memory_gib,
        }
    if isinstance(event, Validated):
        values = {f"{name}/{branch}": value for branch, named in event.metrics.items() for name, value in named.items()}
    for tag, value in values.items():
        if value is not None:
            board.add_scalar(tag, value, event.iteration, event.time)
    if isinstance(event, Validated):
        board.flush()


def _goes_to(log: Path) -> bool:
    """Whether this process's messages go to that file anyway, as when a window started it."""
    try:
        return os.path.samestat(os.fstat(sys.stderr.fileno()), log.stat())
    except (OSError, ValueError, AttributeError):
        return False
