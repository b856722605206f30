"""A few steps of a recipe, to tell before a run what it will need: memory and time, and what to change."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import psutil
import torch

from tmnet_core.config import Recipe
from tmnet_core.data.clips import ChosenClips
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.training.answering import NetworkAnswerer
from tmnet_core.training.evaluation import Examiner
from tmnet_core.training.failures import explain
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import Trainer
from tmnet_core.training.trial_result import TrialResult

GIB = 2**30
STEPS = 3
_VALIDATED_CLIPS = 8
# Of the memory there is: the rest goes to other programs, and to what one step does not show.
_ROOM = 0.9


def try_recipe(recipe: Recipe, progress: Callable[[str], None] = lambda what: None) -> TrialResult:
    """Train some steps and look at some validation clips, and keep nothing.

    `progress` is told what is being done.

    Raises:
        TMNetError: what a run of this recipe would end with at its beginning.
    """
    progress("Reading the data and the network's weights")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(recipe, RunFolder(Path(folder)), lambda event: None)
        available = _available(trainer.device)
        try:
            step = _time_steps(trainer, progress)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            return TrialResult(
                device=str(trainer.device),
                fits=False,
                memory_gib=0.0,
                available_gib=available,
                advice=_smaller(recipe),
            )
        memory = _held(trainer.device)
        progress("Looking at validation clips")
        validation = _time_validation(trainer, recipe)
    validations = -(-recipe.schedule.iterations // recipe.training.validate_every)
    fits = memory <= _ROOM * available
    return TrialResult(
        device=str(trainer.device),
        fits=fits,
        memory_gib=memory,
        available_gib=available,
        seconds_per_step=step,
        seconds=step * recipe.schedule.iterations + validation * validations,
        iterations=recipe.schedule.iterations,
        classes=len(trainer.training_clips.classes),
        clips=len(trainer.training_clips),
        validation_clips=len(trainer.validation_clips),
        advice="" if fits else _smaller(recipe),
    )


def _time_steps(trainer: Trainer, progress: Callable[[str], None]) -> float:
    """Return seconds a step, reading included; the first one warms up and does not count."""
    seconds = []
    start = time.perf_counter()
    for number, parts in enumerate(islice(trainer.read_steps(), STEPS + 1)):
        progress(f"Trying step {number + 1} of {STEPS + 1}")
        if clips := sum(map(len, parts)):
            trainer.step(parts, clips)
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        now = time.perf_counter()
        seconds.append(now - start)
        start = now
    counted = seconds[1:] or seconds
    return sum(counted) / max(1, len(counted))


def _time_validation(trainer: Trainer, recipe: Recipe) -> float:
    """Return the seconds of one validation, from those of some of its clips."""
    clips = trainer.validation_clips
    some = ChosenClips(clips, range(len(clips))[:: max(1, len(clips) // _VALIDATED_CLIPS)][:_VALIDATED_CLIPS])
    examiner = Examiner(
        some,
        trainer.preprocessing,
        key_frames=recipe.training.key_frames,
        batch=len(some),
        clip=None if VARIANTS[recipe.model.variant].glance else recipe.clip,
    )
    start = time.perf_counter()
    examiner.examine(NetworkAnswerer(trainer.model, trainer.preprocessing, trainer.device))
    return (time.perf_counter() - start) * len(trainer.validation_clips) / len(some)


def _available(device: torch.device) -> float:
    if device.type == "cuda":
        # The network is there already; what it holds is not free, but it is this run's.
        return float(torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)) / GIB
    process = psutil.Process()
    return float(psutil.virtual_memory().available + process.memory_info().rss) / GIB


def _held(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.max_memory_reserved(device)) / GIB
    process = psutil.Process()
    family = [process, *process.children(recursive=True)]
    return float(sum(member.memory_info().rss for member in family)) / GIB


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def _smaller(recipe: Recipe) -> str:
    """Return what to change where a recipe does not fit."""
    sentence = explain(MemoryError(), recipe) or ""
    return f"{sentence[:1].upper()}{sentence[1:]}."
