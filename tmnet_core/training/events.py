"""What happens in a run, as one JSON object a line. The file is the truth that every reader follows."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

_LONGEST_LINE = 2**20


class EventPart(BaseModel):
    """What all events have: when they happened, in seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    time: float = Field(default_factory=time.time)


class Started(EventPart):
    """A training process began, or went on, with this run.

    `short` says how many of the training videos, or of a sample of them, are too short for the recipe's clip; `changes`
    are those of the recipe since it was saved.
    """

    kind: Literal["started"] = "started"
    iteration: int
    iterations: int
    device: str
    classes: int
    clips: int
    validation_clips: int
    weights: str
    data: str = ""
    short: str = ""
    changes: tuple[str, ...] = ()


class Stepped(EventPart):
    """The mean of the steps since the last such event; losses are None where there is no regression branch.

    `memory_gib` is the most that the run has held on its device so far, None on a CPU.
    """

    kind: Literal["stepped"] = "stepped"
    iteration: int
    epoch: int
    loss: float
    classification_loss: float
    regression_loss: float | None
    learning_rate: float
    clips_per_second: float
    memory_gib: float | None = None


class Validated(EventPart):
    """Figures of one glance on the validation clips, by branch, each in [0, 1]."""

    kind: Literal["validated"] = "validated"
    iteration: int
    metrics: dict[str, dict[str, float]]
    best: bool


class Skipped(EventPart):
    """A video that could not be read and was left out."""

    kind: Literal["skipped"] = "skipped"
    iteration: int
    video: str
    reason: str


class Paused(EventPart):
    """The training process holds between two steps, with all saved, until it is asked to continue or to stop."""

    kind: Literal["paused"] = "paused"
    iteration: int


class Continued(EventPart):
    """A paused training process went on."""

    kind: Literal["continued"] = "continued"
    iteration: int


class SampledClip(BaseModel):
    """A validation clip that was looked at: the frame, with RB's and CB's maps beside it, as one picture.

    Attributes:
        picture: the file, relative to the run's folder.
        video: what the clip is called.
        label: its class.
        answers: by branch, the class that it takes the frame for and that class's probability.
    """

    model_config = ConfigDict(frozen=True)

    # Never a path that leads out of the run's folder: event files come from strangers, too.
    picture: str = Field(pattern=r"^[^/\\:.][^\\:.]*(\.[A-Za-z0-9]+)?$")
    video: str
    label: str
    answers: dict[str, tuple[str, float]]


class Sampled(EventPart):
    """What the network made of some validation clips, always the same ones."""

    kind: Literal["sampled"] = "sampled"
    iteration: int
    clips: tuple[SampledClip, ...]


class Ended(EventPart):
    """The training process is done with the run; `stopped` can go on later."""

    kind: Literal["ended"] = "ended"
    iteration: int
    outcome: Literal["finished", "stopped", "failed"]
    reason: str = ""


Event = Annotated[
    Started | Stepped | Validated | Sampled | Skipped | Paused | Continued | Ended, Field(discriminator="kind")
]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class EventLog:
    """Appends events to a file, each line complete when a reader sees it."""

    def __init__(self, path: Path) -> None:
        _end_torn_line(path)
        self._file = path.open("ab", buffering=0)

    def write(self, event: Event) -> None:
        """Append one line and hand it to the operating system; OSError, and no part of it, where the disk is full."""
        line = event.model_dump_json().encode() + b"\n"
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._file.tell() - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._file.name)

    def sync(self) -> None:
        """Return when what was written would outlive a power cut."""
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file; a torn last line and lines that are no events are passed over."""
    with path.open(encoding="utf-8", errors="replace") as file:
        # A line that is longer than any event is read, and passed over, piece by piece.
        while line := file.readline(_LONGEST_LINE):
            try:
                yield parse_event(line)
            except ValidationError:
                continue


def parse_event(line: str | bytes) -> Event:
    """Return the event of one line; raises pydantic's ValidationError where it is none."""
    return _EVENT.validate_json(line)


def current_events(path: Path) -> list[Event]:
    """Return the events that still count.

    A run that was killed goes on from its last saved step and does the steps after it again: what was told of them
    before that `started` event is superseded.
    """
    counting: list[Event] = []
    for event in read_events(path):
        if isinstance(event, Started):
            counting = [earlier for earlier in counting if earlier.iteration <= event.iteration]
        counting.append(event)
    return counting


def describe_event(event: Event) -> str:
    """Return what a log says of an event to a person; nothing of steps, which are too many."""
    match event:
        case Started():
            return (
                f"iteration {event.iteration} of {event.iterations}: {event.clips} clips of {event.classes} classes, "
                f"{event.validation_clips} for validation{event.data and f' ({event.data})'}; "
                f"weights: {event.weights}; {event.device}{event.short and f'; {event.short}'}"
                f"{(event.changes and '; changed: ') or ''}{', '.join(event.changes)}"
            )
        case Validated():
            figures = "   ".join(f"{branch} {_describe_figures(named)}" for branch, named in event.metrics.items())
            return f"iteration {event.iteration}: {figures}{'   best so far' if event.best else ''}"
        case Skipped():
            return f"left out {event.video}: {event.reason}"
        case Paused():
            return f"paused at iteration {event.iteration}"
        case Continued():
            return f"continued at iteration {event.iteration}"
        case Ended():
            return f"{event.outcome} at iteration {event.iteration}{event.reason and ': ' + event.reason}"
    return ""


def _describe_figures(named: dict[str, float]) -> str:
    return f"{100 * named['top1']:.1f} % (top-5 {100 * named['top5']:.1f}, mAP {100 * named['map']:.1f})"


def _end_torn_line(path: Path) -> None:
    """Close a line that a killed process left half written, so that it does not swallow the next one."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
