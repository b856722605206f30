"""Training the runs of a plan: those that exist are reused, one that was interrupted goes on, several devices share."""

from __future__ import annotations

import hashlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from tmnet_core.checkpoint import read_header
from tmnet_core.config import DataSection, Recipe, StartSection, dump_recipe
from tmnet_core.data.clip_lengths import sample_lengths
from tmnet_core.data.clip_sources import open_training_clips
from tmnet_core.data.fingerprints import digest_clips
from tmnet_core.errors import TMNetError
from tmnet_core.files import replacing
from tmnet_core.reproduction.plan import change, identity, work
from tmnet_core.training.events import Ended, Event, Stepped, current_events
from tmnet_core.training.launching import attach, claim
from tmnet_core.training.requests import catch_interrupt
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train

# Seconds between two looks at what a child process has written.
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Told:
    """How far the runs are.

    Attributes:
        done, total: frames seen in training, of the runs that are trained now.
        run: what the run in work is called; number and count of runs.
    """

    done: int
    total: int
    run: str
    number: int
    count: int


@dataclass
class Outcome:
    """What became of the runs, by identity: their folders, or a sentence that says why there is none."""

    runs: dict[str, RunFolder] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


def train_runs(
    recipes: Mapping[str, Recipe],
    folder: Path,
    devices: Sequence[str],
    *,
    threads: int = 0,
    tell: Callable[[Told], None] = lambda told: None,
) -> Outcome:
    """Train the recipes, by identity, into folders below `folder`; what is there already is reused or gone on with.

    A run of other clips than there are now is neither: its reason says so.

    With one device they are trained in this process, one after the other; with several each device takes the next
    one into a process of its own. Ctrl-C and SIGTERM save what runs, and the same call goes on later.
    """
    existing = find_runs(folder)
    outcome = Outcome()
    pending: dict[str, Recipe] = {}
    digests: dict[str, str] = {}

    def once(of: DataSection | StartSection, digest: Callable[[], str]) -> str:
        """Read what many runs share only once."""
        key = of.model_dump_json()
        digests[key] = digests[key] if key in digests else digest()
        return digests[key]

    for name, recipe in recipes.items():
        run = existing.get(name)
        if run is not None and is_finished(run):
            clips = once(recipe.data, partial(_digest, recipe.data))
            weights = once(recipe.start, partial(_weights_digest, recipe.start))
            if changed := _why_other_clips(run, clips) or _why_other_weights(run, weights):
                outcome.reasons[name] = changed
            else:
                outcome.runs[name] = run
        elif run is not None and _is_trained_elsewhere(run):
            outcome.reasons[name] = "another process trains it now; the same command takes it when it is finished"
        elif too_short := why_too_short(recipe):
            outcome.reasons[name] = too_short
        else:
            pending[name] = recipe
    ledger = _Ledger(pending, tell)
    if len(devices) > 1:
        _train_apart(pending, existing, folder, devices, threads, ledger, outcome)
    else:
        _train_here(pending, existing, folder, devices[0], ledger, outcome)
    for name in pending:
        if name not in outcome.runs:
            outcome.reasons.setdefault(name, "interrupted; the same command goes on")
    return outcome


def find_runs(folder: Path) -> dict[str, RunFolder]:
    """Return the runs in a folder by the identity of their recipes; of two, the finished one."""
    found: dict[str, RunFolder] = {}
    for path in sorted(folder.glob("*/recipe.toml")):
        run = RunFolder(path.parent)
        try:
            name = identity(run.recipe())
        except TMNetError:
            continue  # of another version, or damaged: no use, and no harm
        if name not in found or is_finished(run):
            found[name] = run
    return found


def is_finished(run: RunFolder) -> bool:
    """Whether a run got to its last iteration."""
    if not (run.events_file.exists() and run.last_checkpoint.exists()):
        return False
    events = current_events(run.events_file)
    return bool(events) and isinstance(events[-1], Ended) and events[-1].outcome == "finished"


def _is_trained_elsewhere(run: RunFolder) -> bool:
    process = attach(run)
    return process is not None and process.alive and (process.elsewhere or process.pid != os.getpid())


def _why_other_clips(run: RunFolder, digest: str) -> str:
    """Return why a finished run is not one of the clips that there are now, or nothing; also where nobody can tell."""
    training = read_header(run.last_checkpoint).training
    if not digest or training is None or training.digest in ("", digest):
        return ""
    return (
        f"the training clips are not those that run {run.path.name} was trained on; move its folder elsewhere to train "
        "it anew"
    )


def _why_other_weights(run: RunFolder, digest: str) -> str:
    """Return why a finished run did not start from what its start weights are now, or nothing."""
    noted = _weights_file(run)
    # What is no longer there says nothing.
    if not (digest and noted.exists()) or noted.read_text(encoding="utf-8") == digest:
        return ""
    return (
        f"start.weights are not those that run {run.path.name} was trained from; move its folder elsewhere to train it "
        "anew"
    )


def _weights_file(run: RunFolder) -> Path:
    return run.path / "start.sha256"


def _weights_digest(start: StartSection) -> str:
    """Return a line for each file that training starts from; empty where there is none."""
    lines = []
    for weights in (start.weights, start.weights3d):
        if Path(weights).is_file():
            with open(weights, "rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}\n")
    return "".join(lines)


def run_name(recipe: Recipe) -> str:
    """Return what a run's folder is called: something to read, and its identity."""
    return f"{recipe.model.variant}-{recipe.clip.frames}f-seed{recipe.training.seed}-{identity(recipe)[:8]}"


def why_too_short(recipe: Recipe) -> str:
    """Return why a recipe's clips ask for more frames than the videos have, or nothing."""
    lengths = _lengths(recipe.data)
    if not lengths or median(lengths) >= recipe.clip.frames:
        return ""
    return (
        f"clips too short: half of them have no more than {median(lengths):g} frames, fewer than {recipe.clip.frames}"
    )


def _digest(data: DataSection) -> str:
    """Return what the training clips are now; empty where they cannot be opened, of which scoring tells."""
    try:
        return digest_clips(open_training_clips(data))
    except TMNetError:
        return ""


_known_lengths: dict[str, list[int]] = {}


def _lengths(data: DataSection) -> list[int]:
    """Return the lengths in frames of a sample of the training videos; of none where they cannot be opened."""
    name = data.model_dump_json()
    if name not in _known_lengths:
        try:
            _known_lengths[name] = sample_lengths(open_training_clips(data))
        except TMNetError:
            return []  # the run itself says what is wrong
    return _known_lengths[name]


class _Ledger:
    """Adds up how far the runs are, from several threads."""

    def __init__(self, pending: Mapping[str, Recipe], tell: Callable[[Told], None]) -> None:
        self._total = sum(map(work, pending.values()))
        self._count = len(pending)
        self._done: dict[str, int] = {}
        self._begun = 0
        self._tell = tell
        self._lock = threading.Lock()

    def begin(self, recipe: Recipe) -> None:
        """Take note that a run begins."""
        with self._lock:
            self._begun += 1
            self._show(recipe)

    def step(self, recipe: Recipe, iteration: int) -> None:
        """Take note of how far a run is."""
        with self._lock:
            self._done[recipe.name] = work(recipe) * iteration // recipe.schedule.iterations
            self._show(recipe)

    def leave_out(self, recipe: Recipe) -> None:
        """Take note that a run cannot be trained: what is left of it takes no time."""
        with self._lock:
            self._total -= work(recipe) - self._done.get(recipe.name, 0)
            self._show(recipe)

    def _show(self, recipe: Recipe) -> None:
        self._tell(Told(sum(self._done.values()), self._total, recipe.name, self._begun, self._count))


def _train_here(
    pending: Mapping[str, Recipe],
    existing: Mapping[str, RunFolder],
    folder: Path,
    device: str,
    ledger: _Ledger,
    outcome: Outcome,
) -> None:
    """Train one after the other in this process, until Ctrl-C."""
    for name, recipe in pending.items():
        run, recipe = _prepare(recipe, existing.get(name), folder, device)

        def report(event: Event, recipe: Recipe = recipe) -> None:
            if isinstance(event, Stepped):
                ledger.step(recipe, event.iteration)

        claim(run)
        ledger.begin(recipe)
        try:
            # Of one identity, recipes differ in nothing that changes the weights, such as the device.
            ended = train(recipe, run, resume=True, accept_recipe=True, report=report)
        except TMNetError as error:
            outcome.reasons[name] = str(error)
            ledger.leave_out(recipe)
            run.discard_unless_trained()
            continue
        if ended.outcome == "stopped":
            outcome.interrupted = True
            return
        outcome.runs[name] = run


def _train_apart(
    pending: Mapping[str, Recipe],
    existing: Mapping[str, RunFolder],
    folder: Path,
    devices: Sequence[str],
    threads: int,
    ledger: _Ledger,
    outcome: Outcome,
) -> None:
    """Let each device take the next run into a process of its own; on Ctrl-C or SIGTERM they save and end first."""
    waiting: queue.SimpleQueue[tuple[str, Recipe]] = queue.SimpleQueue()
    for item in pending.items():
        waiting.put(item)
    stop = threading.Event()

    def serve(device: str) -> None:
        while not stop.is_set():
            try:
                name, recipe = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                train_one(name, recipe, device)
            except Exception as error:  # a device takes the next run, whatever became of this one
                outcome.reasons[name] = str(error) or type(error).__name__

    def train_one(name: str, recipe: Recipe, device: str) -> None:
        run, recipe = _prepare(recipe, existing.get(name), folder, device)
        ledger.begin(recipe)
        try:
            reason = _train_in_child(run, recipe, threads, stop, ledger)
        except Exception:
            ledger.leave_out(recipe)
            raise
        if is_finished(run):
            outcome.runs[name] = run
        elif not stop.is_set():
            outcome.reasons[name] = reason
            ledger.leave_out(recipe)
            run.discard_unless_trained()

    servers = [threading.Thread(target=serve, args=(device,), name=f"runs on {device}") for device in devices]
    with catch_interrupt() as asked:
        for server in servers:
            server.start()
        try:
            while not asked.is_set() and any(server.is_alive() for server in servers):
                for server in servers:
                    server.join(_LOOK_SECONDS)
        finally:
            stop.set()
            for server in servers:
                server.join()
    outcome.interrupted = asked.is_set()


def _prepare(recipe: Recipe, run: RunFolder | None, folder: Path, device: str) -> tuple[RunFolder, Recipe]:
    """Return a folder for a run on a device, the one it was begun in if there is one, with its recipe written."""
    recipe = change(recipe, {"training.device": device}).model_copy(update={"name": run_name(recipe)})
    if run is None:
        run = RunFolder.create(folder, recipe)
        _weights_file(run).write_text(_weights_digest(recipe.start), encoding="utf-8")
        return run, recipe
    with replacing(run.recipe_file) as temporary:
        temporary.write_text(dump_recipe(recipe), encoding="utf-8")
    return run, recipe


def _train_in_child(run: RunFolder, recipe: Recipe, threads: int, stop: threading.Event, ledger: _Ledger) -> str:
    """Train in a process of its own until it ends, or is asked to stop; return its last words."""
    command = [sys.executable, "-m", "tmnet_core", "train", "--resume", str(run.path), "--accept-recipe"]
    command += ["--threads", str(threads)]
    with (run.path / "child.txt").open("w+", encoding="utf-8") as words:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)
        try:
            while child.poll() is None:
                if stop.is_set():
                    run.ask_to_stop()  # again, as a process that only begins takes it for left behind
                if run.events_file.exists():
                    steps = [event.iteration for event in current_events(run.events_file)]
                    ledger.step(recipe, max(steps, default=0))
                time.sleep(_LOOK_SECONDS)
        except Exception:
            child.terminate()  # nobody looks at it any more; what it saved last stays
            raise
        words.seek(0)
        lines = [line.strip() for line in words if line.strip()]
    return lines[-1].removeprefix("tmnet: ") if lines else f"the process ended with {child.returncode}"
