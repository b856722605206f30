"""The analysis thread: looks closer at the newest glance, beside the live path and never in its way. Knows no Qt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.attention.agreement import OtherRegions, kept_regions
from tmnet_core.attention.clip_memory import ClipMemory
from tmnet_core.attention.measuring import GlanceMeter, Measured
from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.live.slot import LatestSlot
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    from tmnet_core.checkpoint import CheckpointHeader

_log = logging.getLogger(__name__)
_WAKE_EVERY = 0.05


@dataclass(frozen=True, eq=False)
class Subject:
    """What is to be looked at.

    Attributes:
        glance: the glance that is on the screen.
        maps: h×w maps of the shown class by branch, oriented as the network's input.
        stream: what changes with the source, the network or its box: then the past does not count.
        checkpoint: where the network is from; regions of motion may be kept beside it.
        header: what the checkpoint says of itself.
    """

    glance: Glance
    maps: Mapping[Branch, FloatArray]
    stream: object
    checkpoint: str
    header: CheckpointHeader


@dataclass(frozen=True, eq=False)
class Finding:
    """What was found about a subject."""

    subject: Subject
    measured: Measured


class Analysis:
    """Looks at subjects in a thread of its own; the newest one wins, so that nothing piles up.

    Attributes:
        failure: the newest thing that went wrong, as a sentence; None while all is well.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        self._subjects: LatestSlot[Subject] = LatestSlot()
        self._findings: LatestSlot[Finding] = LatestSlot()
        self._meter = GlanceMeter()
        self._stream: object = None
        self._checkpoint = ""
        self._measuring = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tmnet-analysis", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def submit(self, subject: Subject) -> None:
        """Offer a subject, in place of one that still waits."""
        self._subjects.put(subject)

    def take(self) -> Finding | None:
        """Return what was found since the last call, if anything."""
        return self._findings.take(0)

    def meter_of(self, checkpoint: str, stream: object) -> GlanceMeter | None:
        """Return a meter that goes on from what was seen of a stream with a network; None where nothing was."""
        with self._measuring:
            known = (checkpoint, stream) == (self._checkpoint, self._stream)
            return self._meter.copy() if known else None

    def close(self, timeout: float = 5.0) -> None:
        """Stop, and wait for the thread."""
        self._closing.set()
        self._subjects.close()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closing.is_set():
            subject = self._subjects.take(_WAKE_EVERY)
            if subject is None:
                continue
            try:
                self._findings.put(self._look(subject))
                self.failure = None
            except Exception as error:
                if self.failure is None:
                    _log.error("The analysis failed", exc_info=error)
                self.failure = f"This frame could not be looked at closer: {error or type(error).__name__}."

    def _look(self, subject: Subject) -> Finding:
        with self._measuring:
            if subject.checkpoint != self._checkpoint:
                self._checkpoint = subject.checkpoint
                self._meter = new_meter(subject.checkpoint, subject.header)
            self._stream = subject.stream
            return Finding(subject, self._meter.measure(subject.glance, subject.maps, subject.stream))


def new_meter(checkpoint: str, header: CheckpointHeader) -> GlanceMeter:
    """Return what measures the glances of a network from now on."""
    return GlanceMeter(_kept(checkpoint), ClipMemory.of(header))


def _kept(checkpoint: str) -> OtherRegions | None:
    try:
        return kept_regions(Path(checkpoint))
    except TMNetError:
        _log.warning("Regions of motion beside the checkpoint are not used", exc_info=True)
        return None
