"""A training step with the real loader beside the same step on clips that are on the device already."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from tmnet_core.allocator import keep_freed_memory
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.figure import Figure, ratio_figure
from tmnet_core.benchmarks.interleaved import time_interleaved
from tmnet_core.config import Recipe, load_recipe
from tmnet_core.data.clips import ClipBatch
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE
from tmnet_core.models.catalogue import BackboneName
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.step_meter import peak_memory_gib
from tmnet_core.training.trainer import Trainer

ON_CUDA: tuple[BackboneName, ...] = ("resnet18", "resnet50")
# A loader keeps two batches ready for each worker: a round takes so many that they do not hide how fast it is.
STEPS_A_WORKER = 6
MOST_ROUNDS = 5
STEPS_WITH_MEMORY = 3
_MEMORY = {"kept": True, "left alone": False}
# Of a process that only takes steps: its trainer with a batch, and what lasts as long as the process.
_steps: list[tuple[Trainer, list[ClipBatch]]] = []
_kept = ExitStack()


def measure(conditions: Conditions) -> list[Figure]:
    """Return, by network, the step's ratio, clips a second and memory; on CUDA also fp16 / fp32, else kept memory."""
    cuda = conditions.device.type == "cuda"
    rounds = min(conditions.rounds, MOST_ROUNDS)
    figures = []
    for backbone in ON_CUDA if cuda else (conditions.backbone,):
        recipe = step_recipe(conditions, backbone)
        figures.append(feeding_figure(recipe, rounds, conditions.progress))
        if cuda:
            figures.append(_precision_figure(recipe, rounds, conditions.progress))
        elif sys.platform == "linux":
            figures.append(memory_figure(_of_usual_size(recipe), rounds, conditions.progress))
    return figures


def step_recipe(conditions: Conditions, backbone: BackboneName) -> Recipe:
    """Return the recipe `paper`, from random weights and eight clips a step; without CUDA two short and small ones."""
    workers = min(8, max(1, (os.cpu_count() or 1) - 1))
    small = [] if conditions.device.type == "cuda" else ["clip.frames=4", f"clip.size={min(112, conditions.size)}"]
    return load_recipe(
        "paper",
        [
            f"model.backbone={backbone}",
            f"data.root={str(conditions.data or SYNTHETIC_PEOPLE)!r}",
            "start.weights=none",
            f"clip.size={conditions.size}",
            f"training.batch_size={2 if small else 8}",
            "training.accumulate=1",
            f"training.workers={workers}",
            f"training.device={conditions.device}",
            "optimizer.learning_rate=1e-6",
            *small,
        ],
    )


def feeding_figure(recipe: Recipe, rounds: int, progress: Callable[[int, int], None]) -> Figure:
    """Return the time of steps that the loader feeds over that of steps on one batch that stays on the device."""
    steps = STEPS_A_WORKER * max(1, recipe.training.workers)
    with _trainer(recipe) as trainer:
        fed = _endless_steps(trainer)
        resident = [_on_device(part, trainer.device) for part in next(fed)]

        def take(batches: Iterator[list[ClipBatch]]) -> None:
            for _ in range(steps):
                parts = next(batches)
                trainer.step(parts, sum(map(len, parts)))
            _finish(trainer.device)

        cases = {"fed": lambda: take(fed), "resident": lambda: take(_repeated(resident))}
        timings = time_interleaved(cases, rounds, warmup=1, progress=progress)
        memory = peak_memory_gib(trainer.device)
    clips = steps * recipe.training.batch_size
    held = "" if memory is None else f", {memory:.1f} GiB"
    what = f"{_name(recipe)}: a step fed by {recipe.training.workers} workers / on clips that are on the device"
    figure = ratio_figure(timings, "fed", "resident", "<= 1.05 with a GPU and 8 cores", what=what)
    rates = " / ".join(f"{clips / timings.median(case):.1f}" for case in ("fed", "resident"))
    return figure.model_copy(update={"detail": f"{rates} clips/s{held}"})


def _precision_figure(recipe: Recipe, rounds: int, progress: Callable[[int, int], None]) -> Figure:
    half = recipe.model_copy(update={"training": recipe.training.model_copy(update={"precision": "fp16"})})
    with _trainer(recipe) as single, _trainer(half) as mixed:
        parts = [_on_device(part, single.device) for part in next(single.read_steps())]

        def take(trainer: Trainer) -> None:
            for _ in range(STEPS_A_WORKER):
                trainer.step(parts, sum(map(len, parts)))
            _finish(trainer.device)

        cases = {"fp16": lambda: take(mixed), "fp32": lambda: take(single)}
        timings = time_interleaved(cases, rounds, warmup=1, progress=progress)
    return ratio_figure(timings, "fp16", "fp32", what=f"{_name(recipe)}: a step in fp16 / in fp32")


def memory_figure(recipe: Recipe, rounds: int, progress: Callable[[int, int], None]) -> Figure:
    """Return the time of steps in a process that keeps freed memory over that in one that was left alone.

    Each has a process of its own, since what glibc was told of freed memory cannot be taken back.
    """
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_process_that_trains(recipe, keep)) for name, keep in _MEMORY.items()}
        cases = {name: partial(_take_steps_in, process) for name, process in processes.items()}
        timings = time_interleaved(cases, rounds, warmup=1, progress=progress)
    what = f"{_name(recipe)}: a step in a process that keeps freed memory / in one left alone"
    return ratio_figure(timings, "kept", "left alone", what=what)


def _process_that_trains(recipe: Recipe, keep: bool) -> ProcessPoolExecutor:
    context, values = multiprocessing.get_context("spawn"), recipe.model_dump_json()
    return ProcessPoolExecutor(1, context, _begin_training, (values, keep, torch.get_num_threads()))


def _take_steps_in(process: ProcessPoolExecutor) -> None:
    process.submit(_take_steps).result()


def _begin_training(values: str, keep: bool, threads: int) -> None:
    """Prepare a step in a process of its own."""
    if keep:
        keep_freed_memory()
    torch.set_num_threads(threads)
    recipe = Recipe.model_validate_json(values)
    folder = _kept.enter_context(tempfile.TemporaryDirectory())
    trainer = Trainer(recipe, RunFolder.create(Path(folder), recipe), lambda event: None)
    _steps.append((trainer, next(trainer.read_steps())))


def _take_steps() -> None:
    trainer, parts = _steps[0]
    for _ in range(STEPS_WITH_MEMORY):
        trainer.step(parts, sum(map(len, parts)))


def _of_usual_size(recipe: Recipe) -> Recipe:
    """Return the recipe with as many frames a step as one trains with: small tensors are kept in any case."""
    values = recipe.model_dump()
    values["clip"]["frames"] = 8
    values["training"] |= {"batch_size": 8, "workers": 0}
    return Recipe.model_validate(values)


@contextmanager
def _trainer(recipe: Recipe) -> Iterator[Trainer]:
    with tempfile.TemporaryDirectory() as folder:
        yield Trainer(recipe, RunFolder.create(Path(folder), recipe), lambda event: None)


def _endless_steps(trainer: Trainer) -> Iterator[list[ClipBatch]]:
    while True:
        yield from trainer.read_steps()
        trainer.progress.epoch += 1


def _repeated(parts: list[ClipBatch]) -> Iterator[list[ClipBatch]]:
    while True:
        yield parts


def _on_device(part: ClipBatch, device: torch.device) -> ClipBatch:
    return replace(
        part,
        frames=part.frames.to(device),
        flip=part.flip.to(device),
        key_frame=part.key_frame.to(device),
        label=part.label.to(device),
    )


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(recipe: Recipe) -> str:
    clip = recipe.clip
    return f"{recipe.model.title}, {recipe.training.batch_size} × {clip.frames} × {clip.size}²"
