"""The training loop (paper III-B, IV-E). Read it top to bottom."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from tmnet_core import __version__
from tmnet_core.checkpoint import CheckpointHeader, Provenance, TrainingSummary, save_checkpoint
from tmnet_core.config import Recipe
from tmnet_core.data.augmentation import MultiScaleCrop
from tmnet_core.data.clip_sources import SYNTHETIC_PEOPLE, data_name, open_clip_sources
from tmnet_core.data.clips import ClipBatch, ClipDataset, ClipSource, EpochSampler, build_loader
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.device import choose_device, describe_device
from tmnet_core.errors import DataError, TMNetError
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.models.objective import Losses, compute_losses
from tmnet_core.models.tmnet import TMNet, use_channels_last
from tmnet_core.training.environment import describe_environment, record_environment
from tmnet_core.training.evaluation import Examiner
from tmnet_core.training.events import Continued, Ended, Event, Paused, Skipped, Started, Validated
from tmnet_core.training.logbook import Logbook
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.samples import SampleGallery
from tmnet_core.training.schedule import learning_rate_factor
from tmnet_core.training.start import StartedModel, start_model
from tmnet_core.training.step_meter import StepMeter

# Seconds between two `stepped` events: often enough for a live curve, seldom enough for a short file.
EVENT_SECONDS = 1.0

# Seconds between two looks at whether a paused run may go on.
PAUSE_SECONDS = 0.2

# What the card of a network trained on synthetic people says.
RENDERED_ONLY = "It has seen rendered people only: what it says of real ones means little."

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def train(
    recipe: Recipe, run: RunFolder, *, resume: bool = False, report: Callable[[Event], None] = lambda event: None
) -> Ended:
    """Train by a recipe into a run's folder, until its last iteration, Ctrl-C, or a stop file.

    Args:
        recipe: what to train; on resuming, what the run was started with.
        run: where checkpoints and events go.
        resume: go on from the run's saved state instead of starting anew.
        report: told every event that is also written to the run's file.

    Returns:
        How it ended. A run that was stopped has saved its state and can be resumed.

    Raises:
        TMNetError: where recipe, data, weights or device cannot be used; the event file says so too.
    """
    run.ask_to_continue()  # whoever starts a run wants it to go on
    with Logbook(run, report) as log, catch_interrupt() as interrupt:
        trainer = None
        try:
            trainer = Trainer(recipe, run, log.tell)
            if resume and run.state_file.exists():
                trainer.restore(run.load_state())
            environment = describe_environment(trainer.device, recipe.training.seed)
            record_environment(run.environment_file, environment)
            ended = trainer.fit(lambda: read_wish(run, interrupted=interrupt.is_set()))
        except TMNetError as error:
            log.tell(Ended(iteration=trainer.progress.iteration if trainer else 0, outcome="failed", reason=str(error)))
            raise
        log.tell(ended)
        return ended


class Wish(IntEnum):
    """What is wanted of a training process; the greater one wins."""

    GO_ON = 0
    PAUSE = 1
    STOP = 2


def read_wish(run: RunFolder, *, interrupted: bool) -> Wish:
    """Return what Ctrl-C and the run's request files ask for; a request to stop is cleared by that."""
    if interrupted or run.take_stop_request():
        return Wish.STOP
    return Wish.PAUSE if run.is_asked_to_pause() else Wish.GO_ON


@dataclass
class Progress:
    """How far a run is."""

    iteration: int = 0
    epoch: int = 0
    clips_into_epoch: int = 0
    frames_seen: int = 0
    best_top1: float = -1.0
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)


class Trainer:
    """One training process: its data, its network, its optimiser, and how far it is."""

    def __init__(self, recipe: Recipe, run: RunFolder, tell: Callable[[Event], None]) -> None:
        self.recipe = recipe
        self.run = run
        self.tell = tell
        self.device = choose_device(recipe.training.device)
        self.precision = choose_precision(recipe, self.device)
        self.progress = Progress()
        torch.manual_seed(recipe.training.seed)

        self.training_clips, self.validation_clips = open_clip_sources(recipe.data)
        self.sampler = EpochSampler(len(self.training_clips), recipe.training.seed)
        self.loader = build_training_loader(recipe, self.training_clips, self.sampler, self.device)
        started = start_model(recipe, list(self.training_clips.classes))
        self.preprocessing = build_preprocessing(recipe, started)
        self.examiner = Examiner(
            self.validation_clips,
            self.preprocessing,
            key_frames=recipe.training.key_frames,
            batch=recipe.training.validation_batch,
            workers=recipe.training.workers,
            # A network that cannot answer for a single frame is validated on whole clips.
            clip=None if VARIANTS[recipe.model.variant].glance else recipe.clip,
        )
        self.gallery = SampleGallery(self.validation_clips, self.preprocessing, run.samples_folder)

        self.start = started.origin
        self.model = started.model.to(self.device)
        use_channels_last(self.model)
        self.optimizer = build_optimizer(recipe, self.model)
        self.schedule = LambdaLR(self.optimizer, lambda step: learning_rate_factor(step, recipe.schedule))
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)

    def fit(self, ask: Callable[[], Wish]) -> Ended:
        """Step until the recipe's last iteration or until asked to stop; validate and save on the way."""
        recipe, progress = self.recipe, self.progress
        self.tell(self._started())
        meter = StepMeter(self.device)
        while progress.iteration < recipe.schedule.iterations:
            self.sampler.epoch, self.sampler.start = progress.epoch, progress.clips_into_epoch
            trained = 0
            for batch in self.loader:
                self._tell_unreadable(batch)
                progress.clips_into_epoch += len(batch) + len(batch.unreadable)
                if len(batch) == 0:
                    continue
                losses = self.step(batch)
                trained += len(batch)
                meter.add(losses, len(batch))
                last = progress.iteration == recipe.schedule.iterations
                if last or meter.seconds() >= EVENT_SECONDS:
                    self.tell(meter.take(progress.iteration, progress.epoch, float(self.schedule.get_last_lr()[0])))
                not_training = time.perf_counter()
                if last or progress.iteration % recipe.training.validate_every == 0:
                    self.validate()
                    self.save()
                if last:
                    return Ended(iteration=progress.iteration, outcome="finished")
                wish = self.hold_while_paused(ask)
                meter.leave_out(not_training)
                if wish is Wish.STOP:
                    self.save()
                    return Ended(iteration=progress.iteration, outcome="stopped", reason="asked to stop")
            if not trained and not self.sampler.start:
                raise DataError(f"data {recipe.data.root}: none of its {len(self.training_clips)} clips can be read")
            progress.epoch, progress.clips_into_epoch = progress.epoch + 1, 0
        return Ended(iteration=progress.iteration, outcome="finished", reason="nothing was left to do")

    def hold_while_paused(self, ask: Callable[[], Wish]) -> Wish:
        """Wait, with all saved, while asked to pause; returns what is wanted then."""
        wish = ask()
        if wish is Wish.PAUSE:
            self.save()
            self.tell(Paused(iteration=self.progress.iteration))
            while (wish := ask()) is Wish.PAUSE:
                time.sleep(PAUSE_SECONDS)
            if wish is Wish.GO_ON:
                self.tell(Continued(iteration=self.progress.iteration))
        return wish

    def step(self, batch: ClipBatch) -> Losses:
        """Take one optimiser step on a batch of clips."""
        recipe = self.recipe
        set_training_mode(self.model, frozen_batch_norm=recipe.training.batch_norm == "frozen")
        clips = self.preprocessing.normalise(batch.flipped_frames(self.device))
        key_frames = batch.key_frame.to(self.device)
        labels = batch.label.to(self.device)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            features = self.model(clips, key_frames, regression_reaches_base=recipe.objective.reaches_base)
            losses = compute_losses(self.model, features, labels, recipe.objective)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
        if recipe.optimizer.clip_gradient:
            self.scaler.unscale_(self.optimizer)
            clip_gradients(self.model, recipe.optimizer.clip_gradient)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        self.progress.iteration += 1
        self.progress.frames_seen += clips.shape[0] * clips.shape[1]
        if not torch.isfinite(losses.total):
            raise TMNetError(
                f"run {self.run.path.name}: the loss is no longer a number at iteration {self.progress.iteration}; "
                "lower optimizer.learning_rate or objective.scale"
            )
        return losses

    def validate(self) -> None:
        """Look at the validation clips; a new best is saved."""
        glances = self.examiner.examine(self.model, self.device)
        self.progress.metrics = glances.metrics()
        top1 = self.progress.metrics[str(self._answer())]["top1"]
        best = top1 > self.progress.best_top1
        if best:
            self.progress.best_top1 = top1
            save_checkpoint(self.run.best_checkpoint, self.model, self.header())
        self.tell(Validated(iteration=self.progress.iteration, metrics=self.progress.metrics, best=best))
        sampled = self.gallery.look(self.model, self.device, self.progress.iteration)
        if sampled is not None:
            self.tell(sampled)

    def save(self) -> None:
        """Save the last checkpoint and all that resuming needs."""
        save_checkpoint(self.run.last_checkpoint, self.model, self.header())
        self.run.save_state(
            {
                "progress": vars(self.progress).copy(),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": torch.get_rng_state(),
                "random_cuda": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
            }
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `save` wrote."""
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"]:
            torch.cuda.set_rng_state_all(state["random_cuda"])

    def header(self) -> CheckpointHeader:
        """Return what a checkpoint says of the network as it is now."""
        recipe = self.recipe
        return CheckpointHeader(
            model=recipe.model,
            classes=list(self.training_clips.classes),
            preprocessing=self.preprocessing,
            training=TrainingSummary(
                data=data_name(recipe.data.root),
                clips=len(self.training_clips),
                validation_clips=len(self.validation_clips),
                start=self.start,
                iterations=self.progress.iteration,
                frames_seen=self.progress.frames_seen,
                validation_fraction=recipe.data.validation_fraction,
                split_seed=recipe.data.split_seed,
                clip=recipe.clip,
                objective=recipe.objective,
            ),
            metrics=self.progress.metrics,
            provenance=Provenance(
                tmnet=__version__,
                torch=torch.__version__,
                seed=recipe.training.seed,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                note=RENDERED_ONLY if recipe.data.root == SYNTHETIC_PEOPLE else "",
            ),
        )

    def _started(self) -> Started:
        return Started(
            iteration=self.progress.iteration,
            iterations=self.recipe.schedule.iterations,
            device=describe_device(self.device),
            classes=len(self.training_clips.classes),
            clips=len(self.training_clips),
            validation_clips=len(self.validation_clips),
            weights=self.start,
        )

    def _tell_unreadable(self, batch: ClipBatch) -> None:
        for video in batch.unreadable:
            self.tell(Skipped(iteration=self.progress.iteration, video=video.name, reason=video.reason))

    def _answer(self) -> Branch:
        row = VARIANTS[self.recipe.model.variant]
        return (row.glance or row.clip)[-1]


def build_training_loader(
    recipe: Recipe, clips: ClipSource, sampler: EpochSampler, device: torch.device
) -> DataLoader[Any]:
    """Return the loader of sampled, augmented training clips."""
    clip, augmentation = recipe.clip, recipe.augmentation
    dataset = ClipDataset(
        clips,
        ClipSampling(clip.sampling, clip.frames, clip.interval),
        size=clip.size,
        crop=MultiScaleCrop(augmentation.scales, places=augmentation.places, squash=clip.crop == "whole"),
        segment=clip.key_frame,
        position=clip.key_frame_position,
        flip=augmentation.flip,
        seed=recipe.training.seed,
    )
    return build_loader(
        dataset,
        recipe.training.batch_size,
        sampler=sampler,
        workers=recipe.training.workers,
        pin_memory=device.type == "cuda",
    )


def build_preprocessing(recipe: Recipe, started: StartedModel) -> Preprocessing:
    """Return what a glance does to a frame, as the recipe's clip and the start weights want it."""
    return Preprocessing(
        size=recipe.clip.glance_size or recipe.clip.size,
        crop=recipe.clip.crop,
        crop_fraction=recipe.clip.crop_fraction,
        mean=started.mean,
        std=started.std,
    )


def build_optimizer(recipe: Recipe, model: TMNet) -> Optimizer:
    """Return the optimiser over all parameters, the new classifier in a group of its own."""
    section = recipe.optimizer
    pretrained = [value for name, value in model.named_parameters() if not name.startswith("classifier.")]
    groups = [
        {"params": pretrained, "lr": section.learning_rate},
        {"params": list(model.classifier.parameters()), "lr": section.learning_rate * section.classifier_factor},
    ]
    if section.name == "adamw":
        return AdamW(groups, weight_decay=section.weight_decay)
    return SGD(groups, momentum=section.momentum, weight_decay=section.weight_decay)


def clip_gradients(model: TMNet, largest: float) -> None:
    """Limit the gradient's norm, of RB and of all else apart: else RB's loss would shorten the steps of CB."""
    for of_rb in (True, False):
        group = [value for name, value in model.named_parameters() if name.startswith("regression.") is of_rb]
        nn.utils.clip_grad_norm_(group, largest)


def choose_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """Return the type that the network computes in; raises TMNetError where the device is no good at it."""
    precision = recipe.training.precision
    if precision != "fp32" and device.type != "cuda":
        raise TMNetError(f"training.precision = {precision}: mixed precision needs CUDA, this run is on {device}")
    return PRECISIONS[precision]


def set_training_mode(model: nn.Module, *, frozen_batch_norm: bool) -> None:
    """Put the model into training mode; frozen BatchNorm keeps its running statistics, its weights still learn."""
    model.train()
    if frozen_batch_norm:
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


@contextmanager
def catch_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event that the loop looks at; a second one interrupts at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    previous = signal.getsignal(signal.SIGINT)

    def request(signum: int, frame: object) -> None:
        event.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, request)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
