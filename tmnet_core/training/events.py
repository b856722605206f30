"""What happens in a run, as one JSON object a line. The file is the truth that every reader follows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


class EventPart(BaseModel):
    """What all events have: when they happened, in seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    time: float = Field(default_factory=time.time)


class Started(EventPart):
    """A training process began, or went on, with this run."""

    kind: Literal["started"] = "started"
    iteration: int
    iterations: int
    device: str
    classes: int
    clips: int
    validation_clips: int
    weights: str


class Stepped(EventPart):
    """The mean of the steps since the last such event; losses are None where there is no regression branch."""

    kind: Literal["stepped"] = "stepped"
    iteration: int
    epoch: int
    loss: float
    classification_loss: float
    regression_loss: float | None
    learning_rate: float
    clips_per_second: float


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


class Ended(EventPart):
    """The training process is done with the run; `stopped` can go on later."""

    kind: Literal["ended"] = "ended"
    iteration: int
    outcome: Literal["finished", "stopped", "failed"]
    reason: str = ""


Event = Annotated[Started | Stepped | Validated | Skipped | Ended, Field(discriminator="kind")]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class EventLog:
    """Appends events to a file, each line complete when a reader sees it."""

    def __init__(self, path: Path) -> None:
        _end_torn_line(path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, event: Event) -> None:
        """Append one line and hand it to the operating system."""
        self._file.write(event.model_dump_json() + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file; a torn last line and lines that are no events are passed over."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield _EVENT.validate_json(line)
            except ValidationError:
                continue


def _end_torn_line(path: Path) -> None:
    """Close a line that a killed process left half written, so that it does not swallow the next one."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
