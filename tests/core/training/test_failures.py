import contextlib
import errno
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from tmnet_core.checkpoint import load_checkpoint
from tmnet_core.config import Recipe
from tmnet_core.errors import TMNetError
from tmnet_core.training.events import Ended, Event, EventLog, Validated, read_events
from tmnet_core.training.failures import explain
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import Trainer, train

pytestmark = pytest.mark.usefixtures("_one_thread")


def changed(recipe: Recipe, **sections: dict[str, Any]) -> Recipe:
    values = recipe.model_dump()
    for section, changes in sections.items():
        values[section].update(changes)
    return Recipe.model_validate(values)


@contextlib.contextmanager
def no_file_larger_than(limit: int) -> Iterator[None]:
    """Let writing fail as on a full disk."""
    import resource

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def outcome(run: RunFolder) -> Ended:
    last = list(read_events(run.events_file))[-1]
    assert isinstance(last, Ended)
    return last


def assert_intact(run: RunFolder, iteration: int) -> None:
    """What was saved at an iteration is all there, and nothing else."""
    state = run.load_state()
    assert state["progress"]["iteration"] == iteration
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())
    last = load_checkpoint(run.last_checkpoint).header.training
    assert last is not None
    assert last.iterations == iteration
    assert not list(run.path.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")
def test_a_full_disk_leaves_what_was_saved_before(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    with contextlib.ExitStack() as stack:

        def fill_disk(event: Event) -> None:
            if isinstance(event, Validated):
                stack.enter_context(no_file_larger_than(100_000))

        with pytest.raises(TMNetError, match=r"run tiny: no room on the disk to write \S+state\.pt; free some; then"):
            train(tiny_recipe, run, report=fill_disk)
    assert_intact(run, 6)
    assert outcome(run).outcome == "failed"
    assert "no room on the disk" in outcome(run).reason
    assert train(tiny_recipe, run, resume=True).iteration == 12


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes there")
def test_an_event_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    event = Ended(iteration=1, outcome="finished")
    with EventLog(path) as log:
        log.write(event)
        with no_file_larger_than(path.stat().st_size + 10), pytest.raises(OSError, match=r"No space left|too large"):
            log.write(event)
        log.write(event)
    assert path.read_text().count("\n") == 2
    assert list(read_events(path)) == [event, event]


def test_a_loss_that_is_no_number_is_noticed_before_it_is_saved(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, training={"validate_every": 2, "save_every": 1})
    run = RunFolder.create(tmp_path, recipe)
    trainers: list[Trainer] = []

    class Diverging(Trainer):
        def step(self, parts: Any, clips: int) -> Any:
            trainers.append(self)
            if self.progress.iteration == 5:
                with torch.no_grad():
                    self.model.classifier.weight.fill_(float("inf"))
            return super().step(parts, clips)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tmnet_core.training.trainer.Trainer", Diverging)
        with pytest.raises(TMNetError, match=r"the loss is no longer a number at iteration 6; lower optimizer\.learn"):
            train(recipe, run)
    assert_intact(run, 5)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path, tiny_recipe: Recipe) -> None:
    run = RunFolder.create(tmp_path, tiny_recipe)
    trainer = Trainer(tiny_recipe, run, lambda event: None)
    trainer.save()
    with torch.no_grad():
        next(trainer.model.parameters())[0] = float("nan")
    for act in (trainer.save, trainer.validate):
        with pytest.raises(TMNetError, match="a weight is no longer a number"):
            act()
    assert_intact(run, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_worker_that_dies_ends_the_run_with_what_was_saved(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, data={"cache": "none"}, training={"workers": 1, "validate_every": 2})
    run = RunFolder.create(tmp_path, recipe)

    def kill_a_worker(event: Event) -> None:
        if isinstance(event, Validated) and event.iteration == 4:
            workers = [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]
            workers[0].kill()

    with pytest.raises(TMNetError, match=r"a process that reads clips ended before its time.*lower training\.workers"):
        train(recipe, run, report=kill_a_worker)
    assert_intact(run, 4)


def test_too_little_memory_is_told_with_what_to_change(tiny_recipe: Recipe) -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
    told = explain(error, tiny_recipe)
    assert told is not None
    assert "6 clips of 2 × 32 × 32 at once; set training.accumulate = 2" in told
    parts = changed(tiny_recipe, training={"accumulate": 3})
    assert "1 clips" in str(explain(error, parts, processes=2))
    assert "lower clip.frames" in str(explain(error, parts, processes=2))


def test_statistics_of_a_single_clip_are_told_with_what_to_change(tmp_path: Path, tiny_recipe: Recipe) -> None:
    recipe = changed(tiny_recipe, training={"batch_size": 1})
    with pytest.raises(TMNetError, match=r"run tiny: BatchNorm has a single clip .* training\.batch_norm = 'frozen'"):
        train(recipe, RunFolder.create(tmp_path, recipe))


def test_what_nobody_could_foresee_keeps_its_traceback(tiny_recipe: Recipe) -> None:
    assert explain(RuntimeError("a bug"), tiny_recipe) is None
    assert explain(OSError(errno.EIO, "Input/output error", "a.mp4"), tiny_recipe) == "a.mp4: Input/output error"
