"""How good one glance is: accuracy and average precision of RB, CB and RB+CB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_average_precision

from tmnet_core.data.clips import ClipSource, GlanceBatch, GlanceDataset, UnreadableVideo, build_loader
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import spread_fractions
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet


@dataclass(frozen=True)
class Glances:
    """What a network said about the key frames of N videos.

    Attributes:
        labels: N.
        probabilities: by branch, N×n×K for n key frames a video.
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


@torch.inference_mode()
def glance_at(
    model: TMNet,
    preprocessing: Preprocessing,
    source: ClipSource,
    *,
    device: torch.device,
    key_frames: int = 3,
    batch: int = 32,
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Glances:
    """Look at `key_frames` frames of every video, each alone, preprocessed as the live view does.

    The model is left in evaluation mode. `progress` is told how many of the videos are done.
    """
    model.eval()
    dataset = GlanceDataset(source, preprocessing, spread_fractions(key_frames))
    loader = build_loader(dataset, batch, workers=workers)
    labels: list[Tensor] = []
    unreadable: list[UnreadableVideo] = []
    probabilities: dict[Branch, list[Tensor]] = {}
    for seen in loader:
        unreadable += seen.unreadable
        if len(seen):
            labels.append(seen.label)
            for branch, scores in _probabilities(model, preprocessing, seen, device).items():
                probabilities.setdefault(branch, []).append(scores)
        progress(sum(map(len, labels)) + len(unreadable), len(dataset))
    stacked = {branch: torch.cat(scores) for branch, scores in probabilities.items()}
    return Glances(torch.cat(labels) if labels else torch.empty(0, dtype=torch.long), stacked, tuple(unreadable))


def bootstrap_interval(
    differences: npt.NDArray[np.float64], *, seed: int = 0, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the 95 % interval of the mean of N values by resampling them; paired differences go in as one array."""
    rng = np.random.default_rng(seed)
    means = [differences[rng.integers(len(differences), size=len(differences))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _probabilities(
    model: TMNet, preprocessing: Preprocessing, seen: GlanceBatch, device: torch.device
) -> dict[Branch, Tensor]:
    """Return B×n×K probabilities by branch on the host."""
    videos, glances = seen.frames.shape[:2]
    maps = model.glance(preprocessing.normalise(seen.frames.flatten(0, 1).to(device)))
    cb = model.classify(maps.classification.mean((2, 3)))
    found = {Branch.CB: cb.softmax(-1)}
    if maps.regression is not None:
        rb = model.classify(maps.regression.mean((2, 3)))
        found = {Branch.RB: rb.softmax(-1), **found, Branch.FUSED: model.fuse(rb, cb)}
    return {branch: scores.float().cpu().reshape(videos, glances, -1) for branch, scores in found.items()}


def _metrics(scores: Tensor, labels: Tensor) -> dict[str, float]:
    classes = scores.shape[-1]
    flat, targets = scores.flatten(0, 1), labels.repeat_interleave(scores.shape[1])
    # Average precision over the classes that occur: one without a clip has none.
    precision = multiclass_average_precision(flat, targets, classes, average="none")[torch.unique(targets)]
    return {
        "top1": float(multiclass_accuracy(flat, targets, classes, average="micro")),
        "top5": float(multiclass_accuracy(flat, targets, classes, average="micro", top_k=min(5, classes))),
        "map": float(precision.mean()),
        "mean_class": float(multiclass_accuracy(flat, targets, classes, average="macro")),
    }
