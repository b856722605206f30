"""How a run stands, or how it ended, in one sentence, and what to do about it."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tmnet_core.training.events import Ended
from tmnet_core.training.following import last_lines
from tmnet_core.training.launching import CANCELLED, RunProcess, attach
from tmnet_core.training.record import RunRecord
from tmnet_core.training.run_folder import RunFolder

State = Literal["new", "running", "paused", "finished", "stopped", "cancelled", "failed", "lost"]

_LOG_LINES = 40
# What a failure says of itself, and what helps.
_REMEDIES = (
    (
        r"out of memory|OutOfMemory|not enough memory|cannot allocate memory|MemoryError|bad_alloc",
        "Make training.batch_size, clip.frames or clip.size smaller, and start again.",
    ),
    (
        r"no longer a number|\bnan\b",
        "Lower optimizer.learning_rate or objective.scale, or limit optimizer.clip_gradient.",
    ),
    (r"no space left", "Free some space on the disk, then resume."),
    (r"read as a video|can be read|cannot be read", "Check the videos; the preview of the data names the broken ones."),
    (r"DataLoader worker|shared memory|bus error", "Set training.workers to 0, then start again."),
    (r"urlopen|getaddrinfo|HTTP Error|download", "Name a local weight file in start.weights, or start from none."),
    (r"start\.weights|weights .*:", "Choose other start weights."),
    (r"CUDA|cuDNN|NCCL", "Try training.device = cpu, or update the driver of the graphics card."),
)
_KILLED = (
    "The system ends processes when memory runs out: make training.batch_size or data.cache_gib smaller, then resume."
)


@dataclass(frozen=True)
class Standing:
    """How a run stands.

    Attributes:
        sentence: what a person reads.
        suggestion: what to do, empty where there is nothing to do.
    """

    state: State
    sentence: str
    suggestion: str = ""

    @property
    def active(self) -> bool:
        """Whether a process works on it."""
        return self.state in {"running", "paused"}


def standing(run: RunFolder, record: RunRecord, process: RunProcess | None = None) -> Standing:
    """Return how a run stands by its events, its process and its log.

    Args:
        record: all events of the run.
        process: the run's process where it is known already; it alone knows the exit status.
    """
    process = process or attach(run)
    if process is not None and process.alive:
        return _going_on(record)
    ended = record.ended
    if ended is not None and (process is None or ended.time >= process.launched):
        return _ended(ended)
    if process is None and record.started is None:
        return Standing("new", "Not started yet.")
    return _without_a_word(record, process, last_lines(run.log_file, _LOG_LINES))


def remedy(text: str) -> str:
    """Return what helps against a failure that says so; empty where nothing is known."""
    return next((advice for pattern, advice in _REMEDIES if re.search(pattern, text, re.IGNORECASE)), "")


def what_and_remedy(reason: str) -> tuple[str, str]:
    """Part a reason into what happened, without a full stop, and a sentence of what to change or what helps."""
    what, _, change = reason.rstrip(".").partition("; ")
    return what, f"{change[:1].upper()}{change[1:]}." if change else remedy(what)


def _going_on(record: RunRecord) -> Standing:
    if record.paused:
        return Standing("paused", f"Paused at iteration {record.iteration}.")
    if record.started is None or record.ended is not None:
        return Standing("running", "Starting: reading the data and the network's weights.")
    return Standing("running", f"Training on {record.started.device}.")


def _ended(ended: Ended) -> Standing:
    place = f"at iteration {ended.iteration}"
    if ended.outcome == "finished":
        return Standing("finished", f"Finished {place}.")
    if ended.outcome == "failed":
        return _failed(place, ended.reason)
    if ended.reason == CANCELLED:
        return Standing("cancelled", f"Cancelled {place}.", "Resume goes on from what was saved last.")
    return Standing("stopped", f"Stopped {place}.", "Resume goes on from there.")


def _failed(place: str, reason: str) -> Standing:
    what, suggestion = what_and_remedy(reason)
    return Standing("failed", f"Failed {place}: {what}.", suggestion or "The log tells more.")


def _without_a_word(record: RunRecord, process: RunProcess | None, log: Sequence[str]) -> Standing:
    status = process.exit_status if process is not None else None
    place = f"at iteration {record.iteration}" if record.started is not None else "before it began"
    if status is not None and status < 0:
        return Standing("failed", f"Ended {place} by signal {_signal_name(-status)}.", _advice_for_signal(-status, log))
    said = next((line.strip() for line in reversed(log)), "")
    if said.startswith("tmnet: "):
        return _failed(place, said.removeprefix("tmnet: "))
    sentence = f"Ended {place} without a word"
    suggestion = remedy("\n".join(log)) or "The log tells more."
    return Standing("lost", f"{sentence}; its log ends with: {said}" if said else f"{sentence}.", suggestion)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _advice_for_signal(number: int, log: Sequence[str]) -> str:
    known = remedy("\n".join(log))
    if known:
        return known
    return _KILLED if signal.Signals(number).name == "SIGKILL" else "The log tells more."
