"""From a recipe to the parts that a training process is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.utils.data import DataLoader

from tmnet_core import __version__
from tmnet_core.checkpoint import CheckpointHeader, Provenance, TrainingSummary
from tmnet_core.config import ObjectiveSection, Recipe
from tmnet_core.data.augmentation import MultiScaleCrop
from tmnet_core.data.clip_sources import data_name
from tmnet_core.data.clips import ClipDataset, ClipSource, EpochSampler, build_loader
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE, data_form
from tmnet_core.data.fingerprints import Fingerprints
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import clip_sampling
from tmnet_core.errors import RecipeError, TMNetError
from tmnet_core.models.catalogue import VARIANTS
from tmnet_core.models.objective import Losses, compute_losses
from tmnet_core.models.tmnet import TMNet
from tmnet_core.training.distributed import Ranks, RankSampler
from tmnet_core.training.evaluation import Examiner
from tmnet_core.training.start import StartedModel

# What the card of a network trained on synthetic people says.
RENDERED_ONLY = "It has seen rendered people only: what it says of real ones means little."

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class LossOfClips(nn.Module):
    """The network and its objective as one module, which is what several processes average the gradients of."""

    def __init__(self, model: TMNet, objective: ObjectiveSection) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, clips: Tensor, key_frames: Tensor, labels: Tensor) -> Losses:
        """Return the losses of B×T×3×H×W clips; those of no clips are 0 and teach nothing."""
        features = self.model(clips, key_frames, regression_reaches_base=self.objective.reaches_base)
        if len(labels):
            return compute_losses(self.model, features, labels, self.objective)
        none = self.model.classify(features.classification).sum()
        if features.regression is not None:
            none = none + features.regression.sum()
        return Losses(none, none.detach(), None if features.regression is None else none.detach())


def choose_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """Return the type that the network computes in; raises TMNetError where the device is no good at it."""
    precision = recipe.training.precision
    if precision != "fp32" and device.type != "cuda":
        raise TMNetError(f"training.precision = {precision}: mixed precision needs CUDA, this run is on {device}")
    return PRECISIONS[precision]


def build_training_loader(
    recipe: Recipe, clips: ClipSource, sampler: EpochSampler, device: torch.device, ranks: Ranks
) -> DataLoader[Any]:
    """Return the loader of sampled, augmented training clips; `training.accumulate` batches of it are a step."""
    clip, augmentation, training = recipe.clip, recipe.augmentation, recipe.training
    if training.batch_size < ranks.count * training.accumulate:
        raise RecipeError(
            f"training.batch_size = {training.batch_size}: too few clips for {ranks.count} processes "
            f"with training.accumulate = {training.accumulate}"
        )
    dataset = ClipDataset(
        clips,
        clip_sampling(clip),
        size=clip.size,
        crop=MultiScaleCrop(augmentation.scales, places=augmentation.places, squash=clip.crop == "whole"),
        segment=clip.key_frame,
        position=clip.key_frame_position,
        flip=augmentation.flip,
        seed=training.seed,
    )
    dealt = RankSampler(sampler, training.batch_size, parts=training.accumulate, rank=ranks.rank, count=ranks.count)
    return build_loader(dataset, batches=dealt, workers=training.workers, pin_memory=device.type == "cuda")


def build_preprocessing(recipe: Recipe, started: StartedModel) -> Preprocessing:
    """Return what a glance does to a frame, as the recipe's clip and the start weights want it."""
    return Preprocessing(
        size=recipe.clip.glance_size or recipe.clip.size,
        crop=recipe.clip.crop,
        crop_fraction=recipe.clip.crop_fraction,
        mean=started.mean,
        std=started.std,
    )


def build_examiner(recipe: Recipe, clips: ClipSource, preprocessing: Preprocessing) -> Examiner:
    """Return what looks at validation clips."""
    return Examiner(
        clips,
        preprocessing,
        key_frames=recipe.training.key_frames,
        batch=recipe.training.validation_batch,
        workers=recipe.training.workers,
        # A network that cannot answer for a single frame is validated on whole clips.
        clip=None if VARIANTS[recipe.model.variant].glance else recipe.clip,
    )


def build_optimizer(recipe: Recipe, model: TMNet) -> Optimizer:
    """Return the optimiser over all parameters that learn, the new classifier in a group of its own.

    A group's `initial_lr` is what the schedule's factor applies to.
    """
    section = recipe.optimizer
    learning = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    pretrained = [value for name, value in learning if not name.startswith("classifier.")]
    groups = [
        {"params": pretrained, "initial_lr": section.learning_rate},
        {
            "params": list(model.classifier.parameters()),
            "initial_lr": section.learning_rate * section.classifier_factor,
        },
    ]
    if section.name == "adamw":
        return AdamW(groups, section.learning_rate, weight_decay=section.weight_decay)
    return SGD(groups, section.learning_rate, momentum=section.momentum, weight_decay=section.weight_decay)


def load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Take over momenta and counts that an optimiser of the same network had; rates and decay stay the recipe's."""
    groups = [
        {**ours, "params": theirs["params"]}
        for ours, theirs in zip(optimizer.state_dict()["param_groups"], state["param_groups"], strict=True)
    ]
    optimizer.load_state_dict({"state": state["state"], "param_groups": groups})


def clip_gradients(model: TMNet, largest: float) -> None:
    """Limit the gradient's norm, of RB and of all else apart: else RB's loss would shorten the steps of CB."""
    for of_rb in (True, False):
        group = [value for name, value in model.named_parameters() if name.startswith("regression.") is of_rb]
        nn.utils.clip_grad_norm_(group, largest)


def describe_network(
    recipe: Recipe,
    preprocessing: Preprocessing,
    *,
    training_clips: ClipSource,
    validation_clips: ClipSource,
    start: str,
    iterations: int,
    frames_seen: int,
    metrics: dict[str, dict[str, float]],
    trained_on: Fingerprints | None,
    chosen_on: Fingerprints | None,
    digest: str,
) -> CheckpointHeader:
    """Return what a checkpoint says of the network as it is now."""
    return CheckpointHeader(
        model=recipe.model,
        classes=list(training_clips.classes),
        preprocessing=preprocessing,
        training=TrainingSummary(
            data=data_name(recipe.data.root),
            clips=len(training_clips),
            validation_clips=len(validation_clips),
            start=start,
            iterations=iterations,
            frames_seen=frames_seen,
            validation_fraction=recipe.data.validation_fraction,
            split_seed=recipe.data.split_seed,
            form=data_form(recipe.data),
            split=recipe.data.split,
            clip=recipe.clip,
            objective=recipe.objective,
            trained_on=trained_on,
            chosen_on=chosen_on,
            digest=digest,
        ),
        metrics=metrics,
        provenance=Provenance(
            tmnet=__version__,
            torch=torch.__version__,
            seed=recipe.training.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            note=RENDERED_ONLY if recipe.data.root == SYNTHETIC_PEOPLE else "",
        ),
    )
