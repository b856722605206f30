"""What ends a run although nobody did anything wrong in its recipe, each in one sentence that says what to change."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from tmnet_core.config import Recipe
from tmnet_core.errors import TMNetError
from tmnet_core.training.run_folder import RunFolder

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def in_one_sentence(run: RunFolder, recipe: Recipe, processes: int) -> Iterator[None]:
    """Turn a full disk, too little memory, a dead worker or a lost process into a TMNetError.

    What was saved before stays as it was: files are replaced only when the new ones are complete.
    """
    try:
        yield
    except TMNetError:
        raise
    except (OSError, RuntimeError, MemoryError, ValueError) as error:
        sentence = explain(error, recipe, processes)
        if sentence is None:
            raise
        again = f"; then go on with: tmnet train --resume '{run.path}'" if run.state_file.exists() else ""
        raise TMNetError(f"run {run.path.name}: {sentence}{again}") from error


def explain(error: Exception, recipe: Recipe, processes: int = 1) -> str | None:
    """Return what happened and what to change; None for what nobody could have foreseen."""
    text = str(error)
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return f"no room on the disk to write {error.filename or 'its files'}; free some"
        return None if error.filename is None else f"{error.filename}: {error.strerror}"
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in text:
        return _too_little_memory(recipe, processes)
    if text.startswith("Expected more than 1 value per channel"):
        return (
            "BatchNorm has a single clip to take statistics of; set training.batch_norm = 'frozen', or a "
            "training.batch_size that leaves no single clip at the end of an epoch"
        )
    if text.startswith("DataLoader worker"):
        return (
            "a process that reads clips ended before its time, as the system lets it when memory is short; "
            "lower training.workers or free some memory"
        )
    if processes > 1 and ("gloo" in text or "NCCL" in text or "Connection" in text):
        return "another of its processes ended, whose own message says why; mend that"
    return None


def refuse_broken_weights(run: RunFolder, recipe: Recipe, model: nn.Module, iteration: int) -> None:
    """Raise TMNetError where a weight or statistic is no longer a finite number, so that it is not saved."""
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise not_finite("a weight", run, recipe, iteration)


def not_finite(what: str, run: RunFolder, recipe: Recipe, iteration: int) -> TMNetError:
    """Return what ends a run that has diverged."""
    changes = "lower optimizer.learning_rate or objective.scale, or set optimizer.clip_gradient"
    if recipe.training.precision == "fp16":
        changes += ", or try training.precision = 'bf16'"
    return TMNetError(f"run {run.path.name}: {what} is no longer a number at iteration {iteration}; {changes}")


def _too_little_memory(recipe: Recipe, processes: int) -> str:
    training, clip = recipe.training, recipe.clip
    at_once = -(-training.batch_size // (processes * training.accumulate))
    size = f"{at_once} clips of {clip.frames} × {clip.size} × {clip.size} at once"
    if at_once > 1:
        smaller = f"set training.accumulate = {2 * training.accumulate}, which takes the same steps in smaller parts"
    else:
        smaller = "lower clip.frames or clip.size"
    return f"not enough memory on the device for {size}; {smaller}, or training.precision = 'fp16' on CUDA"
