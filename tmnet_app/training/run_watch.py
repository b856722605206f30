"""Follows one run from its folder, whoever trains it: what its events add up to, and how it stands."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, QTimer, Signal

from tmnet_core.errors import TMNetError
from tmnet_core.training.events import Event, Validated
from tmnet_core.training.following import EventFollower, last_lines
from tmnet_core.training.launching import RunProcess, attach, cancel, launch
from tmnet_core.training.outcome import Standing, standing
from tmnet_core.training.record import RunRecord
from tmnet_core.training.run_folder import RunFolder

_LOOK_MS = 250
_LOG_LINES = 200


class RunWatch(QObject):
    """Looks at a run's files four times a second; files as long as you like are taken in bites."""

    updated = Signal()  # the record, the log or the standing is another one
    best_found = Signal(str)  # the checkpoint of a validation that was better than all before, while it is watched
    ended = Signal()  # the run's process is gone, however that came
    went_on = Signal()  # a new process trains it
    failed = Signal(str)  # a sentence: what was asked for could not be done

    def __init__(self, run: RunFolder, process: RunProcess | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.record = RunRecord()
        self.log: list[str] = []
        self._process = process or attach(run)
        self._follower = EventFollower(run.events_file)
        self._restarts = 0
        self._caught_up = False
        self._ending: _Ending | None = None
        self.standing: Standing = standing(run, self.record, self._process)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        QTimer.singleShot(0, self, self.look)

    @property
    def caught_up(self) -> bool:
        """Whether all that the run has told so far is in the record."""
        return self._caught_up

    @property
    def ending(self) -> bool:
        """Whether its processes are being ended."""
        return self._ending is not None and self._ending.is_alive()

    def look(self) -> None:
        """Take in what is new."""
        before, ending = self.standing, self.ending
        events, behind = self._read()
        if not behind:
            self._find_process()
            self.standing = standing(self.run, self.record, self._process)
            if before.active and not self.standing.active:
                # Its last words may have come after they were read, and before it was gone.
                last_words, behind = self._read()
                events += last_words
                self.standing = standing(self.run, self.record, self._process)
            if ending and not self.standing.active:
                self.standing = before  # that it was cancelled is still to be written
        known_before = self._caught_up
        self._caught_up |= not behind
        log = last_lines(self.run.log_file, _LOG_LINES)
        finished = self._ending if not ending else None
        if finished is not None:
            self._ending = None
        if events or log != self.log or self.standing != before or finished is not None:
            self.log = log
            self.updated.emit()
        if finished is not None and finished.failure:
            self.failed.emit(finished.failure)
        if known_before:
            self._tell_best(events)
        if behind:
            QTimer.singleShot(0, self, self.look)
        if before.active and not self.standing.active:
            self.ended.emit()
        elif self.standing.active and not before.active:
            self.went_on.emit()

    def _read(self) -> tuple[list[Event], bool]:
        """Take new events into the record; returns them, and whether there are more."""
        events = self._follower.read()
        if self._follower.restarts != self._restarts:
            self._restarts, self.record = self._follower.restarts, RunRecord()
        self.record.add(events)
        return events, bool(events) and self._follower.behind

    def pause(self) -> None:
        """Ask the run to hold."""
        self.run.ask_to_pause()

    def go_on(self) -> None:
        """Ask a paused run to go on."""
        self.run.ask_to_continue()

    def stop(self) -> None:
        """Ask the run to save and end."""
        self.run.ask_to_stop()

    def cancel(self) -> None:
        """End the run's processes beside the window; what was saved last is kept."""
        if not self.ending:
            self._ending = _Ending(self.run)
            self._ending.start()
            self.updated.emit()

    def resume(self) -> None:
        """Go on from what was saved last, in a new process."""
        try:
            self._process = launch(self.run)
        except TMNetError as error:
            self.failed.emit(str(error))
        self.look()

    def move_to(self, run: RunFolder) -> None:
        """Look at the run where its folder is now; what was taken in stays."""
        self.run = run
        self._follower.path = run.events_file

    def close(self) -> None:
        """Look no more; the run goes on, or goes on being ended."""
        self._timer.stop()

    def _find_process(self) -> None:
        """Notice that somebody else went on with the run."""
        if self._process is None or not self._process.alive:
            noted = attach(self.run)
            if noted is not None and (self._process is None or noted.pid != self._process.pid):
                self._process = noted

    def _tell_best(self, events: list[Event]) -> None:
        if any(isinstance(event, Validated) and event.best for event in events):
            self.best_found.emit(str(self.run.best_checkpoint))


class _Ending(threading.Thread):
    """Ends a run's processes, which may take ten seconds; knows no Qt, since its watch may be gone before.

    Attributes:
        failure: a sentence, where they could not be ended.
    """

    def __init__(self, run: RunFolder) -> None:
        super().__init__(name="cancelling a run")
        self.failure = ""
        self._run = run

    def run(self) -> None:
        """End them."""
        try:
            cancel(self._run)
        except (TMNetError, OSError) as error:
            self.failure = str(error)
