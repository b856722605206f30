"""The training loop (paper III-B, IV-E). Read it top to bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from tmnet_core.checkpoint import CheckpointHeader, iterations_of, save_checkpoint
from tmnet_core.config import Recipe, recipe_differences, validate_recipe
from tmnet_core.data.clip_lengths import describe_short, sample_lengths
from tmnet_core.data.clip_sources import describe_data, open_clip_sources
from tmnet_core.data.clips import ClipBatch, EpochSampler
from tmnet_core.data.fingerprints import Fingerprints, digest_clips
from tmnet_core.data.sampling import clip_sampling
from tmnet_core.errors import DataError, RecipeError
from tmnet_core.models.branch import Branch
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.models.objective import Losses
from tmnet_core.models.tmnet import use_channels_last
from tmnet_core.training.answering import NetworkAnswerer
from tmnet_core.training.distributed import Ranks
from tmnet_core.training.environment import describe_environment, record_environment
from tmnet_core.training.evaluation import join_glances
from tmnet_core.training.events import Continued, Ended, Event, Paused, Skipped, Started, Validated, current_events
from tmnet_core.training.failures import in_one_sentence, not_finite, refuse_broken_weights
from tmnet_core.training.freezing import freeze_stages, set_training_mode
from tmnet_core.training.logbook import Logbook
from tmnet_core.training.preparation import (
    LossOfClips,
    build_examiner,
    build_optimizer,
    build_preprocessing,
    build_training_loader,
    choose_precision,
    clip_gradients,
    describe_network,
    load_optimizer,
)
from tmnet_core.training.randomness import random_state, set_random_state
from tmnet_core.training.requests import Wish, catch_interrupt, read_wish
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.samples import SampleGallery
from tmnet_core.training.schedule import learning_rate_factor
from tmnet_core.training.start import start_model
from tmnet_core.training.step_meter import StepMeter

# Seconds between two `stepped` events: often enough for a live curve, seldom enough for a short file.
EVENT_SECONDS = 1.0

# Seconds between two looks at whether a paused run may go on.
PAUSE_SECONDS = 0.2

ALONE = Ranks()


def train(
    recipe: Recipe,
    run: RunFolder,
    *,
    resume: bool = False,
    accept_recipe: bool = False,
    accept_clips: bool = False,
    ranks: Ranks = ALONE,
    report: Callable[[Event], None] = lambda event: None,
) -> Ended:
    """Train by a recipe into a run's folder, until its last iteration, Ctrl-C, or a stop file.

    Args:
        recipe: what to train; on resuming, what the run was started with, or a changed one.
        run: where checkpoints and events go.
        resume: go on from the run's saved state, if it has one, instead of starting anew.
        accept_recipe: go on although the recipe is not the one that the state was saved with.
        accept_clips: go on although the clips, for training or validation, are not those.
        ranks: the processes that train together; each of them calls this, and the first one writes.
        report: told every event that is also written to the run's file.

    Returns:
        How it ended. A run that was stopped has saved its state and can be resumed.

    Raises:
        TMNetError: where recipe, data, weights, device, memory or disk cannot be used; the event file says so too.
    """
    with ExitStack() as stack:
        interrupt = stack.enter_context(catch_interrupt(patient=ranks.count > 1))
        state, changes = ranks.from_first(lambda: load_saved(run, recipe, accept_recipe) if resume else (None, []))
        log = None
        if ranks.first:
            run.clear_leftovers()
            log = stack.enter_context(Logbook(run, report))
        trainer = None
        try:
            with in_one_sentence(run, recipe, ranks.count):
                trainer = Trainer(recipe, run, log.tell if log else lambda event: None, ranks)
                if state:
                    trainer.restore(state, accept_clips=accept_clips)
                if ranks.first:
                    run.write_recipe(recipe)
                    environment = describe_environment(trainer.device, recipe.training.seed)
                    record_environment(run.environment_file, {**environment, "processes": ranks.count})
                ended = trainer.fit(lambda: read_wish(run, interrupted=interrupt.is_set()), changes)
        except Exception as error:
            iteration = trainer.progress.iteration if trainer else 0
            if log:
                with suppress(OSError):  # where the disk is full, that is the reason
                    log.tell(Ended(iteration=iteration, outcome="failed", reason=str(error) or type(error).__name__))
            raise
        if log:
            log.tell(ended)
        return ended


def load_saved(run: RunFolder, recipe: Recipe, accept_recipe: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """Return a run's saved state, None where it has none yet, and what changed in the recipe since it was saved.

    Raises:
        RecipeError: where something changed, unless such changes are accepted.
    """
    if not run.state_file.exists():
        return None, []
    state = run.load_state()
    changes = recipe_differences(validate_recipe(state.get("recipe", {}), f"of {run.state_file}"), recipe)
    if changes and not accept_recipe:
        raise RecipeError(
            f"run {run.path.name}: it was saved with another recipe ({'; '.join(changes)}); "
            "add --accept-changes to go on with this one"
        )
    return state, changes


@dataclass
class Progress:
    """How far a run is."""

    iteration: int = 0
    epoch: int = 0
    clips_into_epoch: int = 0
    frames_seen: int = 0
    best_top1: float = -1.0
    best_iteration: int = 0
    validated_iteration: int = 0
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)


class Trainer:
    """One training process: its data, its network, its optimiser, and how far it is."""

    def __init__(self, recipe: Recipe, run: RunFolder, tell: Callable[[Event], None], ranks: Ranks = ALONE) -> None:
        self.recipe = recipe
        self.run = run
        self.tell = tell
        self.ranks = ranks
        self.device = ranks.device(recipe.training.device)
        self.precision = choose_precision(recipe, self.device)
        self.progress = Progress()
        torch.manual_seed(recipe.training.seed)

        self.training_clips, self.validation_clips = open_clip_sources(recipe.data)
        self.sampler = EpochSampler(len(self.training_clips), recipe.training.seed)
        self.loader = build_training_loader(recipe, self.training_clips, self.sampler, self.device, ranks)
        started = start_model(recipe, list(self.training_clips.classes))
        self.preprocessing = build_preprocessing(recipe, started)
        my_clips = ranks.share(self.validation_clips)
        self.examiner = build_examiner(recipe, my_clips, self.preprocessing) if len(my_clips) else None
        self.gallery = SampleGallery(self.validation_clips, self.preprocessing, run.samples_folder)

        self.start, self.seen_before = started.origin, started.trained_on
        self.model = started.model.to(self.device)
        if recipe.training.channels_last:
            use_channels_last(self.model)
        freeze_stages(self.model, recipe.training.frozen_stages)
        if recipe.training.sync_batch_norm:
            self.model = ranks.synchronise_batch_norm(self.model, self.device)
        self.loss = ranks.average_gradients(LossOfClips(self.model, recipe.objective), self.device)
        self.optimizer = build_optimizer(recipe, self.model)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == torch.float16)
        if ranks.rank:
            torch.manual_seed(recipe.training.seed + ranks.rank)  # dropout of its own, after the same weights

    def fit(self, ask: Callable[[], Wish], changes: Sequence[str] = ()) -> Ended:
        """Step until the recipe's last iteration or until asked to stop; validate and save on the way."""
        recipe, progress = self.recipe, self.progress
        self.tell(self._started(changes))
        if progress.iteration and self.ranks.first and not self._has_told_validation():
            self._tell_validation()
        meter = StepMeter(self.device)
        while progress.iteration < recipe.schedule.iterations:
            began_at, trained = progress.clips_into_epoch, 0
            for parts in self.read_steps():
                dealt = progress.clips_into_epoch + recipe.training.batch_size
                progress.clips_into_epoch = min(dealt, len(self.training_clips))
                clips = self.count_readable(parts)
                if not clips:
                    continue
                losses = self.step(parts, clips)
                trained += clips
                meter.add(losses, clips)
                last = progress.iteration == recipe.schedule.iterations
                if last or meter.seconds() >= EVENT_SECONDS:
                    self.tell(meter.take(progress.iteration, progress.epoch, self.learning_rate()))
                not_training = time.perf_counter()
                if last or progress.iteration % recipe.training.validate_every == 0:
                    self.validate()
                    self.save()
                    self._tell_validation()
                elif progress.iteration % recipe.training.save_every == 0:
                    self.save()
                if last:
                    return Ended(iteration=progress.iteration, outcome="finished")
                wish = self.hold_while_paused(ask)
                meter.leave_out(not_training)
                if wish is Wish.STOP:
                    self.save()
                    return Ended(iteration=progress.iteration, outcome="stopped", reason="asked to stop")
            if not trained and not began_at:
                raise DataError(f"data {recipe.data.root}: none of its {len(self.training_clips)} clips can be read")
            progress.epoch, progress.clips_into_epoch = progress.epoch + 1, 0
        return Ended(iteration=progress.iteration, outcome="finished", reason="nothing was left to do")

    def read_steps(self) -> Iterator[list[ClipBatch]]:
        """Yield what is left of the epoch, each step as the parts that this process takes of it."""
        self.sampler.epoch, self.sampler.start = self.progress.epoch, self.progress.clips_into_epoch
        batches = iter(self.loader)
        while parts := list(islice(batches, self.recipe.training.accumulate)):
            yield parts

    def count_readable(self, parts: Sequence[ClipBatch]) -> int:
        """Return how many clips of a step could be read by all processes; those that could not are told."""
        unreadable = [video for part in parts for video in part.unreadable]
        readable, left_out = self.ranks.sum(sum(map(len, parts)), len(unreadable))
        if left_out:
            for video in (video for videos in self.ranks.gather(unreadable) for video in videos):
                self.tell(Skipped(iteration=self.progress.iteration, video=video.name, reason=video.reason))
        return readable

    def step(self, parts: Sequence[ClipBatch], clips: int) -> Losses:
        """Take one optimiser step on the mean loss of so many clips, of which `parts` are this process's.

        Returns:
            The losses' means over all clips of the step.

        Raises:
            TMNetError: where the loss is not finite; the weights are then those before the step.
        """
        recipe = self.recipe
        factor = learning_rate_factor(self.progress.iteration, recipe.schedule)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        # One process passes over a part without clips; several must all take part in their mean.
        taken = [part for part in parts if len(part) or self.ranks.count > 1]
        losses = self._sum_over_ranks([self._backward(part, clips, last=part is taken[-1]) for part in taken])
        if not torch.isfinite(losses.total):
            raise not_finite("the loss", self.run, recipe, self.progress.iteration + 1)
        if recipe.optimizer.clip_gradient:
            self.scaler.unscale_(self.optimizer)
            clip_gradients(self.model, recipe.optimizer.clip_gradient)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.progress.iteration += 1
        self.progress.frames_seen += clips * recipe.clip.frames
        return losses

    def _backward(self, part: ClipBatch, clips: int, *, last: bool) -> Tensor:
        """Add the gradients of some of the clips of a step; returns their share of its losses, as a vector."""
        clip, training = self.recipe.clip, self.recipe.training
        # No clips have no statistics, unless those of other processes are taken in.
        batch_norm = training.batch_norm if len(part) or training.sync_batch_norm else "frozen"
        set_training_mode(self.model, batch_norm, frozen_stages=training.frozen_stages)
        # A batch of no clips does not know its shape.
        frames = part.flipped_frames(self.device).reshape(len(part), clip.frames, clip.size, clip.size, 3)
        share = len(part) / clips
        with self.ranks.averaging(self.loss, now=last):
            with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
                losses: Losses = self.loss(
                    self.preprocessing.normalise(frames), part.key_frame.to(self.device), part.label.to(self.device)
                )
            self.scaler.scale(losses.total * share * self.ranks.count).backward()  # type: ignore[no-untyped-call]
        parts = [losses.total, losses.classification, *([] if losses.regression is None else [losses.regression])]
        return torch.stack([value.detach().float() for value in parts]) * share

    def _sum_over_ranks(self, shares: list[Tensor]) -> Losses:
        total, classification, *regression = self.ranks.add(torch.stack(shares).sum(0)).unbind()
        return Losses(total, classification, regression[0] if regression else None)

    def hold_while_paused(self, ask: Callable[[], Wish]) -> Wish:
        """Wait, with all saved, while any process is asked to pause; returns what is wanted then."""
        wish = self.ranks.greatest(ask())
        if wish == Wish.PAUSE:
            self.save()
            self.tell(Paused(iteration=self.progress.iteration))
            while (wish := self.ranks.greatest(ask())) == Wish.PAUSE:
                time.sleep(PAUSE_SECONDS)
            if wish == Wish.GO_ON:
                self.tell(Continued(iteration=self.progress.iteration))
        return Wish(wish)

    def validate(self) -> None:
        """Look at the validation clips, each process at its part of them; `_tell_validation` tells what came of it."""
        refuse_broken_weights(self.run, self.recipe, self.model, self.progress.iteration)
        self.ranks.equal_buffers(self.model)
        answerer = NetworkAnswerer(self.model, self.preprocessing, self.device)
        mine = self.examiner.examine(answerer) if self.examiner else None
        progress = self.progress
        progress.metrics = join_glances([part for part in self.ranks.gather(mine) if part is not None]).metrics()
        top1 = progress.metrics[str(self._answer())]["top1"]
        progress.validated_iteration = progress.iteration
        if top1 > progress.best_top1:
            progress.best_top1, progress.best_iteration = top1, progress.iteration

    def _tell_validation(self) -> None:
        """Tell the figures of this iteration; not before its checkpoints are there, which readers then open."""
        progress = self.progress
        best = progress.best_iteration == progress.iteration
        self.tell(Validated(iteration=progress.iteration, metrics=progress.metrics, best=best))
        sampled = self.gallery.look(self.model, self.device, progress.iteration) if self.ranks.first else None
        if sampled is not None:
            self.tell(sampled)

    def _has_told_validation(self) -> bool:
        """Whether nothing was lost: a process may be killed after it saved figures and before it told them."""
        if self.progress.validated_iteration != self.progress.iteration or not self.run.events_file.exists():
            return True
        told = [event for event in current_events(self.run.events_file) if isinstance(event, Validated)]
        return any(event.iteration == self.progress.iteration for event in told)

    def save(self) -> None:
        """Save all that resuming needs, in one file, and then the checkpoints, which follow from it."""
        refuse_broken_weights(self.run, self.recipe, self.model, self.progress.iteration)
        random = self.ranks.gather(random_state(self.device))
        self.ranks.equal_buffers(self.model)
        if not self.ranks.first:
            return
        self.run.save_state(
            {
                "recipe": self.recipe.model_dump(mode="json"),
                "digests": self.digests,
                "trained_on": self.trained_on.model_dump() if self.trained_on is not None else None,
                # The schedule is a function of the iteration and needs no state.
                "progress": vars(self.progress).copy(),
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "random": random,
            }
        )
        self._save_checkpoints()

    def _save_checkpoints(self) -> None:
        """Bring the checkpoints to what the saved state is, unless they are there already."""
        iteration = self.progress.iteration
        if iteration == self.progress.best_iteration and iterations_of(self.run.best_checkpoint) != iteration:
            save_checkpoint(self.run.best_checkpoint, self.model, self.header(self.chosen_on))
        if iterations_of(self.run.last_checkpoint) != iteration:
            save_checkpoint(self.run.last_checkpoint, self.model, self.header())

    def restore(self, state: dict[str, Any], *, accept_clips: bool = False) -> None:
        """Go on from what `save` wrote.

        Raises:
            DataError: where the clips are not those it was saved with, unless such changes are accepted.
            RecipeError: where it is of another network.
        """
        if not accept_clips:
            self._refuse_other_clips(state)
        try:
            self.progress = Progress(**state["progress"])
            self.model.load_state_dict(state["model"])
            load_optimizer(self.optimizer, state["optimizer"])
        except (KeyError, TypeError, ValueError, RuntimeError):
            raise RecipeError(
                f"run {self.run.path.name}: what was saved is of another network; start a new run, with start.weights "
                "naming this one's last.safetensors to keep what it has learned"
            ) from None
        # Accepted or not, what it has seen it has seen.
        self.seen_before |= Fingerprints.model_validate(state.get("trained_on") or {})
        self.scaler.load_state_dict(state["scaler"])
        if len(state["random"]) == self.ranks.count:
            set_random_state(self.device, state["random"][self.ranks.rank])
        if self.ranks.first:
            self._save_checkpoints()

    def _refuse_other_clips(self, state: dict[str, Any]) -> None:
        # Earlier versions did not save what the clips were.
        for part, digest in state.get("digests", {}).items():
            if digest != self.digests[part]:
                raise DataError(
                    f"data {self.recipe.data.root}: its {part} clips are not those that run {self.run.path.name} was "
                    "saved with; `tmnet train --resume` with --accept-changes goes on with these"
                )

    @cached_property
    def digests(self) -> dict[str, str]:
        """What changes when the clips do."""
        return {"training": digest_clips(self.training_clips), "validation": digest_clips(self.validation_clips)}

    @cached_property
    def trained_on(self) -> Fingerprints | None:
        """The clips that the network has seen: those of now, of its start weights and of this run before."""
        these = Fingerprints.of(self.training_clips)
        return None if these is None else these | self.seen_before

    @cached_property
    def chosen_on(self) -> Fingerprints | None:
        """The clips that choose the best network."""
        return Fingerprints.of(self.validation_clips)

    def header(self, chosen_on: Fingerprints | None = None) -> CheckpointHeader:
        """Return what a checkpoint says of the network as it is now."""
        return describe_network(
            self.recipe,
            self.preprocessing,
            training_clips=self.training_clips,
            validation_clips=self.validation_clips,
            start=self.start,
            iterations=self.progress.iteration,
            frames_seen=self.progress.frames_seen,
            metrics=self.progress.metrics,
            trained_on=self.trained_on,
            chosen_on=chosen_on,
            digest=self.digests["training"],
        )

    def learning_rate(self) -> float:
        """Return that of the last step, without the classifier's factor."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _started(self, changes: Sequence[str]) -> Started:
        return Started(
            iteration=self.progress.iteration,
            iterations=self.recipe.schedule.iterations,
            device=self.ranks.describe(self.device),
            classes=len(self.training_clips.classes),
            clips=len(self.training_clips),
            validation_clips=len(self.validation_clips),
            weights=self.start,
            data=describe_data(self.recipe.data, self.training_clips),
            short=describe_short(sample_lengths(self.training_clips), clip_sampling(self.recipe.clip)),
            changes=tuple(changes),
        )

    def _answer(self) -> Branch:
        row = VARIANTS[self.recipe.model.variant]
        return (row.glance or row.clip)[-1]
