"""How good one glance, or one clip, is: accuracy and average precision of RB, CB and RB+CB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_average_precision

from tmnet_core.checkpoint import CheckpointHeader, load_checkpoint
from tmnet_core.config import ClipSection, DataSection
from tmnet_core.data.clip_sources import SYNTHETIC_PEOPLE, data_name, open_all_clips, open_validation_clips
from tmnet_core.data.clips import ClipSource, GlanceBatch, GlanceDataset, UnreadableVideo, build_loader
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import ClipSampling, key_frame_fraction, spread_fractions
from tmnet_core.device import choose_device
from tmnet_core.errors import CheckpointError, DataError
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet


@dataclass(frozen=True)
class Glances:
    """What a network said about the key frames of N videos.

    Attributes:
        labels: N.
        probabilities: by branch, N×n×K for n key frames a video, or N×1×K for one clip of each.
        unreadable: the videos that were left out.
    """

    labels: Tensor
    probabilities: dict[Branch, Tensor]
    unreadable: tuple[UnreadableVideo, ...]

    def metrics(self) -> dict[str, dict[str, float]]:
        """Return `top1`, `top5`, `map` and `mean_class` by branch, in [0, 1].

        Each key frame counts as a glance of its own: these are means over glances, not scores of averaged answers.
        `map` is the mean over classes of the average precision, `mean_class` that of the accuracy. The paper's
        "mAP" stays within half a point of its acc@1 throughout, as `mean_class` does and average precision does not.
        """
        return {str(branch): _metrics(scores, self.labels) for branch, scores in self.probabilities.items()}

    def hits(self, branch: Branch) -> npt.NDArray[np.float64]:
        """Return, for each of the N videos, the share of its glances whose top class is right."""
        right = self.probabilities[branch].argmax(-1) == self.labels[:, None]
        return right.double().mean(1).numpy()


class Examiner:
    """Looks at the same clips again and again, as a run does at each validation; its workers stay in between.

    Args:
        key_frames: how many frames of every clip are looked at, each alone, preprocessed as the live view does.
        batch: clips at once.
        clip: look at one clip of every video, all its frames together, in the place of single frames.
    """

    def __init__(
        self,
        source: ClipSource,
        preprocessing: Preprocessing,
        *,
        key_frames: int,
        batch: int,
        workers: int = 0,
        clip: ClipSection | None = None,
    ) -> None:
        self.preprocessing = preprocessing
        self.key_frame = None if clip is None else key_frame_fraction(clip.key_frame)
        sampling = None if clip is None else ClipSampling(clip.sampling, clip.frames, clip.interval)
        self.dataset = GlanceDataset(source, preprocessing, spread_fractions(key_frames), sampling)
        self.loader = build_loader(self.dataset, batch, workers=workers)

    @torch.inference_mode()
    def examine(
        self,
        model: TMNet,
        device: torch.device,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Glances:
        """Look at every video with a model on the device, which is left in evaluation mode.

        `progress` is told how many of the clips are done.

        Raises:
            DataError: where no clip can be read.
        """
        model.eval()
        labels: list[Tensor] = []
        unreadable: list[UnreadableVideo] = []
        probabilities: dict[Branch, list[Tensor]] = {}
        for seen in self.loader:
            unreadable += seen.unreadable
            if len(seen):
                labels.append(seen.label)
                for branch, scores in self._probabilities(model, seen, device).items():
                    probabilities.setdefault(branch, []).append(scores)
            progress(sum(map(len, labels)) + len(unreadable), len(self.dataset))
        if not labels:
            raise DataError(f"none of the {len(self.dataset)} clips can be read: {unreadable[0].reason}")
        stacked = {branch: torch.cat(scores) for branch, scores in probabilities.items()}
        return Glances(torch.cat(labels), stacked, tuple(unreadable))

    def _probabilities(self, model: TMNet, seen: GlanceBatch, device: torch.device) -> dict[Branch, Tensor]:
        """Return B×n×K probabilities by branch on the host."""
        videos = len(seen)
        frames = self.preprocessing.normalise(seen.frames.to(device))
        if self.key_frame is None:
            maps = model.glance(frames.flatten(0, 1))
            looks = {Branch.RB: maps.regression, Branch.CB: maps.classification}
            features = {branch: look.mean((2, 3)) for branch, look in looks.items() if look is not None}
        else:
            made = model(frames, torch.full((videos,), self.key_frame, device=device))
            both = {Branch.RB: made.regression, Branch.CB: made.classification}
            features = {branch: feature for branch, feature in both.items() if feature is not None}
        logits = {branch: model.classify(feature) for branch, feature in features.items()}
        answers = {branch: values.softmax(-1) for branch, values in logits.items()}
        if len(logits) == 2:
            answers[Branch.FUSED] = model.fuse(logits[Branch.RB], logits[Branch.CB])
        return {branch: scores.float().cpu().reshape(videos, -1, len(scores[0])) for branch, scores in answers.items()}


class Difference(BaseModel):
    """The mean of paired differences and its 95 % interval."""

    mean: float
    interval: tuple[float, float]


class Evaluation(BaseModel):
    """The figures of one checkpoint on one data set.

    Attributes:
        metrics: by branch, as `Glances.metrics`.
        top1_intervals: 95 % intervals of top-1 by branch, videos resampled.
        differences: of top-1 between branches, paired by video.
        clip_frames: T where whole clips were looked at, 0 for single frames.
        unreadable: a sentence for each video that was left out.
    """

    checkpoint: str
    data: str
    part: Literal["validation", "all"]
    videos: int
    key_frames: int
    clip_frames: int = 0
    metrics: dict[str, dict[str, float]]
    top1_intervals: dict[str, tuple[float, float]]
    differences: dict[str, Difference]
    unreadable: list[str]

    @property
    def title(self) -> str:
        """What was evaluated."""
        look = f"{self.clip_frames} frames" if self.clip_frames else "One glance"
        return f"{look} of {self.checkpoint} at {self.data}"

    @property
    def caption(self) -> str:
        """On how much, in percent."""
        clips = "validation clips" if self.part == "validation" else "clips"
        if self.clip_frames:
            return f"{self.videos} {clips}, {self.clip_frames} frames of each at once, in %"
        return f"{self.videos} {clips}, mean over {self.key_frames} key frames each, in %"


def evaluate_checkpoint(
    checkpoint: Path,
    data: str,
    *,
    part: Literal["auto", "validation", "all"] = "auto",
    key_frames: int = 5,
    whole_clips: bool = False,
    batch: int = 16,
    workers: int = 0,
    device: str = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Glance at the clips of a folder with one folder of videos per class, or at unseen `synthetic-people`.

    `whole_clips` looks at one clip of each, sampled as in training but centred, in the place of single frames.

    `auto` takes those kept for validation if the checkpoint was trained on a data set of this name, else all.

    Raises:
        CheckpointError, DataError: also where the classes of the two differ.
    """
    chosen = choose_device(device)
    loaded = load_checkpoint(checkpoint, chosen)
    training = loaded.header.training
    if not whole_clips and not loaded.model.glances:
        raise CheckpointError(
            f"checkpoint {checkpoint}: {loaded.header.title} needs a clip, not one frame; evaluate it on whole clips"
        )
    clip = (training.clip if training else ClipSection()) if whole_clips else None
    if part == "auto":
        part = "validation" if training and training.data == data_name(data) else "all"
    clips = _choose_part(data, part, loaded.header)
    examiner = Examiner(
        clips, loaded.header.preprocessing, key_frames=key_frames, batch=batch, workers=workers, clip=clip
    )
    glances = examiner.examine(loaded.model, chosen, progress)
    hits = {str(branch): glances.hits(branch) for branch in glances.probabilities}
    return Evaluation(
        checkpoint=checkpoint.name,
        data=data_name(data),
        part=part,
        videos=len(glances.labels),
        key_frames=key_frames,
        clip_frames=clip.frames if clip else 0,
        metrics=glances.metrics(),
        top1_intervals={branch: bootstrap_interval(values) for branch, values in hits.items()},
        differences=_differences(hits),
        unreadable=[video.reason for video in glances.unreadable],
    )


def bootstrap_interval(
    differences: npt.NDArray[np.float64], *, seed: int = 0, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of N values by resampling them; paired differences go in as one array."""
    rng = np.random.default_rng(seed)
    means = [differences[rng.integers(len(differences), size=len(differences))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _choose_part(data: str, part: Literal["validation", "all"], header: CheckpointHeader) -> ClipSource:
    """Return the clips to look at; their classes must be the checkpoint's."""
    if part == "all" and data != SYNTHETIC_PEOPLE:
        clips = open_all_clips(data)
    else:
        # Without a training summary there is no record of a split: take the recipe's defaults.
        training = header.training
        split = (
            {"validation_fraction": training.validation_fraction, "split_seed": training.split_seed} if training else {}
        )
        clips = open_validation_clips(DataSection.model_validate({"root": data, **split}))
    unknown = sorted(set(clips.classes) ^ set(header.classes))
    if unknown:
        raise DataError(f"data {data}: its classes are not the checkpoint's, which differ by {', '.join(unknown[:3])}")
    return clips


def _differences(hits: dict[str, npt.NDArray[np.float64]]) -> dict[str, Difference]:
    """Compare the fusion with either branch, and the branches with each other, video by video."""
    if str(Branch.FUSED) not in hits:
        return {}
    pairs = [(Branch.FUSED, Branch.CB), (Branch.FUSED, Branch.RB), (Branch.RB, Branch.CB)]
    found = {f"{first} - {second}": hits[first] - hits[second] for first, second in pairs}
    return {name: Difference(mean=float(d.mean()), interval=bootstrap_interval(d)) for name, d in found.items()}


def _metrics(scores: Tensor, labels: Tensor) -> dict[str, float]:
    classes = scores.shape[-1]
    flat, targets = scores.flatten(0, 1), labels.repeat_interleave(scores.shape[1])
    # Over the classes that occur: one without a clip has neither precision nor accuracy.
    occurring = torch.unique(targets)
    precision = multiclass_average_precision(flat, targets, classes, average="none")[occurring]
    accuracy = multiclass_accuracy(flat, targets, classes, average="none")[occurring]
    return {
        "top1": float(multiclass_accuracy(flat, targets, classes, average="micro")),
        "top5": float(multiclass_accuracy(flat, targets, classes, average="micro", top_k=min(5, classes))),
        "map": float(precision.mean()),
        "mean_class": float(accuracy.mean()),
    }
