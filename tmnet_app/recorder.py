"""Records what is on the screen: composed, compared with motion and written in a thread of its own. Knows no Qt."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tmnet_core.attention.composition import Composed, Composer
from tmnet_core.attention.measuring import GlanceMeter, Measured
from tmnet_core.attention.recording import MovieWriter, RecordingError
from tmnet_core.attention.shown_maps import ShownMap
from tmnet_core.attention.table import AttentionTable, attention_line
from tmnet_core.data.preprocessing import Placement
from tmnet_core.errors import TMNetError
from tmnet_core.live.frames import Frame, Glance
from tmnet_core.live.glance_file import glance_line
from tmnet_core.live.glancer import GlanceModel
from tmnet_core.models.branch import Branch

_log = logging.getLogger(__name__)
TOP = 3
# As much may wait for the writer; a computer that falls further behind cannot record at this rate.
_MOST_WAITING = 512 * 2**20


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture that was shown.

    Attributes:
        frame: the frame.
        placement: what the network sees of it.
        glance: what the network said; None without a network.
        shown: the map of each branch that was shown.
        stream: what changes with the source or the network's box: then the past does not count.
        content: panes, bars and caption; agreement is added by the recorder.
        seconds: when it was shown, by time.perf_counter().
    """

    frame: Frame
    placement: Placement
    glance: Glance | None
    shown: dict[Branch, ShownMap]
    stream: object
    content: Composed
    seconds: float


class ShotWriter(Protocol):
    """What a recording goes to; errors are TMNetErrors that say what of it can be used."""

    def write(self, shot: Shot, measured: Measured | None, seconds: float) -> None:
        """Add a picture, `seconds` after the first; nothing is measured where no network has looked."""

    def finish(self) -> Path:
        """Complete the file and return its path."""

    def close(self) -> None:
        """End without completing."""


class MovieShots:
    """Writes compositions into an MP4."""

    def __init__(self, path: Path, composer: Composer, fps: float) -> None:
        self._composer = composer
        self._movie = MovieWriter(path, composer.size, fps)

    def write(self, shot: Shot, measured: Measured | None, seconds: float) -> None:
        """Compose and write a picture."""
        content = replace(shot.content, agreement=None if measured is None else measured.agreement)
        self._movie.write(self._composer.paint(shot.frame, shot.placement, content), seconds)

    def finish(self) -> Path:
        """Complete the file."""
        return self._movie.finish()

    def close(self) -> None:
        """Leave what was written."""
        self._movie.close()


class TableShots:
    """Writes a line of numbers for each picture into a `.csv` or `.jsonl`."""

    def __init__(self, path: Path, model: GlanceModel | None, second: GlanceModel | None = None) -> None:
        self._path = path
        self._classes, self._second_classes = ([] if one is None else list(one.classes) for one in (model, second))
        branches, others = (() if one is None else tuple(one.branches) for one in (model, second))
        self._open = ExitStack()
        self._table = self._open.enter_context(AttentionTable.open(path, branches, TOP, others))

    def write(self, shot: Shot, measured: Measured | None, seconds: float) -> None:
        """Write the line of a picture that the network has looked at."""
        if shot.glance is not None and measured is not None:
            classes = {branch: one.index for branch, one in shot.shown.items()}
            second = None
            if self._second_classes and shot.glance.second is not None:
                second = glance_line(shot.glance.second, self._second_classes, TOP)
            self._table.add(
                attention_line(shot.glance, self._classes, classes, measured.agreement, measured.clip, TOP, second)
            )

    def finish(self) -> Path:
        """Complete the file."""
        self._open.close()
        return self._path

    def close(self) -> None:
        """Leave what was written, under the name of an unfinished file."""
        with suppress(RecordingError):
            broken = RecordingError("it was not finished")
            self._open.__exit__(RecordingError, broken, None)


class Recorder:
    """Takes every picture that is shown and drops none; when it cannot go on, it stops and says why.

    Args:
        writers: what it is recorded into.
        meter: may have seen what came before.

    Attributes:
        frames: pictures written.
        failure: why it stopped, as a sentence; None while all is well.
        paths: the finished files, once it has ended.
    """

    def __init__(self, writers: Sequence[ShotWriter], meter: GlanceMeter | None = None) -> None:
        self.frames = 0
        self.failure: str | None = None
        self.paths: list[Path] = []
        self._writers = writers
        self._meter = meter or GlanceMeter()
        self._began: float | None = None
        self._waiting = 0
        self._lock = threading.Lock()
        self._shots: queue.SimpleQueue[Shot | None] = queue.SimpleQueue()
        self._accepting = True
        self._thread = threading.Thread(target=self._run, name="tmnet-recorder", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether all that was shown has been written, or writing has failed."""
        return not self._thread.is_alive()

    def add(self, shot: Shot) -> None:
        """Record a picture; ignored once it was stopped or has failed."""
        if not self._accepting or self.failure is not None:
            return
        with self._lock:
            self._waiting += shot.frame.image.nbytes
            behind = self._waiting > _MOST_WAITING
        self._shots.put(shot)
        if behind:
            self.failure = "Recording stopped: this computer cannot write frames as fast as they come."
            self.stop()

    def stop(self) -> None:
        """Take no more; what waits is still written."""
        if self._accepting:
            self._accepting = False
            self._shots.put(None)

    def close(self, timeout: float = 60.0) -> None:
        """Stop, and wait until everything is written."""
        self.stop()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while (shot := self._shots.get()) is not None:
                self._write(shot)
            self.paths = [writer.finish() for writer in self._writers]
        except TMNetError as error:
            self.failure = str(error)
        except Exception as error:
            _log.error("Recording failed", exc_info=error)
            self.failure = f"Recording stopped: {error or type(error).__name__}."
        finally:
            for writer in self._writers:
                writer.close()

    def _write(self, shot: Shot) -> None:
        if self._began is None:
            self._began = shot.seconds
        measured = self._measure(shot)
        for writer in self._writers:
            writer.write(shot, measured, shot.seconds - self._began)
        self.frames += 1
        with self._lock:
            self._waiting -= shot.frame.image.nbytes

    def _measure(self, shot: Shot) -> Measured | None:
        if shot.glance is None:
            return None
        maps = {branch: one.values for branch, one in shot.shown.items()}
        return self._meter.measure(shot.glance, maps, shot.stream)
