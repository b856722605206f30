"""Figures made of scores: accuracy, average precision, confusion, and what the chance of the clips does to a mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_average_precision,
    multiclass_confusion_matrix,
)

Confusion = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]
Interval = tuple[float, float]

# Resamples that are drawn at once: quick, and still little memory for thousands of clips.
_AT_ONCE = 500


def summarise(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Return `top1`, `top5`, `map` and `mean_class` in [0, 1] of M×K scores and M labels.

    The last two are means over the classes that occur: one without a clip has neither precision nor accuracy.
    """
    classes = scores.shape[-1]
    accuracy, precision = by_class(scores, labels)
    return {
        "top1": float(multiclass_accuracy(scores, labels, classes, average="micro")),
        "top5": float(multiclass_accuracy(scores, labels, classes, average="micro", top_k=min(5, classes))),
        "map": float(np.nanmean(precision)),
        "mean_class": float(np.nanmean(accuracy)),
    }


def by_class(scores: Tensor, labels: Tensor) -> tuple[Shares, Shares]:
    """Return each class's accuracy and average precision, K each, not a number for a class that does not occur."""
    classes = scores.shape[-1]
    absent = torch.bincount(labels, minlength=classes) == 0
    accuracy = multiclass_accuracy(scores, labels, classes, average="none").double()
    precision = multiclass_average_precision(scores, labels, classes, average="none").double()
    accuracy[absent] = precision[absent] = torch.nan
    return accuracy.numpy(), precision.numpy()


def confusion(scores: Tensor, labels: Tensor) -> Confusion:
    """Return K×K counts, by true class (row) and answered class (column)."""
    return multiclass_confusion_matrix(scores, labels, scores.shape[-1]).numpy()


def bootstrap_interval(
    values: Shares, sources: Sequence[str] | None = None, *, seed: int = 0, resamples: int = 10_000
) -> Interval | None:
    """Return the 95 % interval of the mean of N values; paired differences go in as one array.

    What is resampled are the source videos that the values come from, with all clips of each, which are alike; without
    `sources` every value is one of its own. None where all come from one source, which says nothing of others.
    """
    sums, counts = by_source(values, sources)
    if len(sums) < 2:
        return None
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(0, resamples, _AT_ONCE):
        drawn = rng.integers(len(sums), size=(_AT_ONCE, len(sums)))
        means.append(sums[drawn].sum(1) / counts[drawn].sum(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def by_source(values: Shares, sources: Sequence[str] | None) -> tuple[Shares, npt.NDArray[np.int64]]:
    """Return the sum of the values of each source video, and how many there are of it."""
    if sources is None:
        return values, np.ones(len(values), np.int64)
    place = np.unique(sources, return_inverse=True)[1]
    return np.bincount(place, values).astype(np.float64), np.bincount(place).astype(np.int64)


def describe_resampling(clips: int, sources: int) -> str:
    """Say what intervals of so many clips from so many source videos stand on."""
    if sources == clips:
        return f"Intervals of 95 %: the {clips} clips resampled, each of a source video of its own by its name."
    return f"Intervals of 95 %: the {sources} source videos of the {clips} clips resampled, each as a whole."
