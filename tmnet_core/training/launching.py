"""A run's process: started apart from whoever asks for it, found again later, and ended with all its children."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from tmnet_core.errors import TMNetError
from tmnet_core.files import replacing
from tmnet_core.holder import Holder, this_host
from tmnet_core.priority import lower_priority
from tmnet_core.training.events import Ended, EventLog
from tmnet_core.training.following import last_event
from tmnet_core.training.run_folder import RunFolder

# Set in the environment of a run's processes, so that those whose parent is gone are found too.
MARK = "TMNET_RUN"
CANCELLED = "cancelled"

_POLITE_SECONDS = 3.0


class ProcessNote(Holder):
    """What a run's `process.json` says: which process trains it.

    Attributes:
        launched: the time before it was asked for; whatever it did comes later.
        processes: how many train together, this one's children where there are several.
    """

    launched: float
    processes: int = 1


class RunProcess:
    """The process that trains a run, whoever started it.

    Attributes:
        pid: its number; for several devices that of the launcher.
        created: when it was born, in seconds since 1970, to the second.
        launched: the time before it was asked for.
        processes: how many train together.
    """

    def __init__(self, run: RunFolder, note: ProcessNote, child: subprocess.Popen[bytes] | None = None) -> None:
        self._run = run
        self._note = note
        self.pid = note.pid
        self.created = note.created
        self.launched = note.launched
        self.processes = note.processes
        self._child = child

    @property
    def alive(self) -> bool:
        """Whether it still runs; of another machine's process, whether it has not told its end."""
        if self._child is not None:
            return self._child.poll() is None
        if self.elsewhere:
            last = last_event(self._run.events_file)
            return not (isinstance(last, Ended) and last.time >= self.launched)
        return self.process() is not None

    @property
    def elsewhere(self) -> bool:
        """Whether it is of another machine."""
        return self._note.elsewhere

    @property
    def exit_status(self) -> int | None:
        """What it ended with, negative for a signal; None while it runs and where another program started it."""
        return None if self._child is None else self._child.poll()

    def process(self) -> psutil.Process | None:
        """Return the process itself, None once it is gone, and where it is elsewhere."""
        return self._note.process()

    def __str__(self) -> str:
        return str(self._note)


def launch(run: RunFolder, *, threads: int = 0, processes: int | None = None) -> RunProcess:
    """Start training a run, or go on with it, in a process that outlives this one; its output goes to `log.txt`.

    The process has a session of its own, no console, and yields to everything else that wants the processor.

    Args:
        threads: CPU threads of torch; 0 leaves it its own choice.
        processes: how many train together, one for each GPU; None: as many as did so before, else one.

    Raises:
        TMNetError: where a process trains this run already, or none can be started.
    """
    _refuse_a_second(run)
    run.clear_requests()
    before = attach(run)
    processes = processes or (before.processes if before else 1)
    launched = time.time()
    try:
        with (run.log_file).open("ab") as log:
            child = subprocess.Popen(
                train_command(run, threads=threads, processes=processes),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(run),
                **_apart(),
            )
    except OSError as error:
        raise TMNetError(f"run {run.path.name}: its process could not be started: {error.strerror}") from None
    lower_priority(child.pid)
    return RunProcess(run, _note(run, child.pid, launched, processes), child)


def train_command(run: RunFolder, *, threads: int = 0, processes: int = 1) -> list[str]:
    """Return the command that trains a run; several processes are started by torchrun."""
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    arguments = ["-m", "tmnet_core", "train", "--resume", str(run.path)]
    return [sys.executable, *together, *arguments, *(["--threads", str(threads)] if threads else [])]


def attach(run: RunFolder) -> RunProcess | None:
    """Return the process that trains a run, or did so last; None where there never was one."""
    try:
        note = ProcessNote.model_validate_json((run.process_file).read_bytes())
    except (OSError, ValidationError):
        return None
    return RunProcess(run, note)


def is_training(run: RunFolder) -> bool:
    """Whether a process trains this run now."""
    process = attach(run)
    return process is not None and process.alive


def active_runs(folder: Path) -> list[RunFolder]:
    """Return the runs in a folder that a process trains now, by name."""
    found = [RunFolder(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    return [run for run in found if run.recipe_file.is_file() and is_training(run)]


def claim(run: RunFolder) -> None:
    """Note this process as the one that trains the run, of several their launcher; TMNetError where another does."""
    together = "LOCAL_RANK" in os.environ
    if together and os.environ.get("RANK") != "0":
        return
    pid = os.getppid() if together else os.getpid()
    other = attach(run)
    if other is not None and other.alive and other.pid == pid and not other.elsewhere:
        return
    _refuse_a_second(run)
    # Those that come once it is noted are for this process, those before were left behind.
    run.clear_requests()
    count = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if together else 1
    _note(run, pid, time.time(), count)


def cancel(run: RunFolder, seconds: float = 10.0) -> None:
    """End every process of a run within so many seconds; its files stay, and it can go on from what was saved last.

    Raises:
        TMNetError: where a process could not be ended, and where it is another machine's.
    """
    noted = attach(run)
    if noted is not None and noted.elsewhere and noted.alive:
        raise TMNetError(
            f"run {run.path.name}: {noted} trains it, and can be cancelled only there; asked to stop, it saves and ends"
        )
    deadline = time.monotonic() + seconds
    there = family(run)
    _end(there, lambda process: process.terminate(), min(_POLITE_SECONDS, seconds / 2))
    while there := family(run):
        if time.monotonic() >= deadline:
            raise TMNetError(f"run {run.path.name}: process {there[0].pid} could not be ended")
        _end(there, lambda process: process.kill(), min(1.0, deadline - time.monotonic()))
    _tell_cancelled(run)


def family(run: RunFolder) -> list[psutil.Process]:
    """Return the live processes of a run: the one noted, its descendants, and those that bear the run's mark."""
    noted = attach(run)
    root = None if noted is None else noted.process()
    found = set() if root is None else {root, *_descendants(root)}
    mark = _mark(run)
    for process in psutil.process_iter():
        if process.pid != os.getpid() and _environ(process).get(MARK) == mark:
            found |= {process, *_descendants(process)}
    return [process for process in found if _lives(process)]


def _end(processes: list[psutil.Process], how: Callable[[psutil.Process], object], seconds: float) -> None:
    for process in processes:
        try:
            how(process)
        except psutil.Error:
            continue
    psutil.wait_procs(processes, timeout=max(0.0, seconds))


def _tell_cancelled(run: RunFolder) -> None:
    process, last = attach(run), last_event(run.events_file)
    if process is None and last is None:
        return  # it never began
    # An earlier process's end says nothing of this one, which may not have said a word yet.
    if isinstance(last, Ended) and (process is None or last.time >= process.launched):
        return
    with EventLog(run.events_file) as log:
        log.write(Ended(iteration=getattr(last, "iteration", 0), outcome="stopped", reason=CANCELLED))


def _refuse_a_second(run: RunFolder) -> None:
    process = attach(run)
    if process is not None and process.alive:
        hint = f"; if it no longer does, remove {run.process_file}" if process.elsewhere else ""
        raise TMNetError(f"run {run.path.name}: {process} trains it already{hint}")


def _note(run: RunFolder, pid: int, launched: float, processes: int) -> ProcessNote:
    note = ProcessNote(host=this_host(), pid=pid, created=_birth(pid), launched=launched, processes=processes)
    with replacing(run.process_file) as temporary:
        temporary.write_text(note.model_dump_json(), encoding="utf-8")
    return note


def _environment(run: RunFolder) -> dict[str, str]:
    # Without a console, Python would write the log in the system's old code page, and in blocks.
    return {**os.environ, MARK: _mark(run), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}


def _mark(run: RunFolder) -> str:
    return str(Path(run.path).resolve())


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _birth(pid: int) -> float:
    """Return when a process was born, or now where it is gone already."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return time.time()


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def _environ(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except (psutil.Error, OSError):
        return {}


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
