"""Figures made of scores: accuracy, average precision, confusion, and what the chance of the clips does to a mean."""

from __future__ import annotations

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

# What every report says of them.
INTERVALS_ARE_NARROW = "Intervals take clips of one source as independent, so they are rather too narrow."

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


def bootstrap_interval(values: Shares, *, seed: int = 0, resamples: int = 10_000) -> tuple[float, float]:
    """Return the 95 % interval of the mean of N values by resampling them; paired differences go in as one array."""
    rng = np.random.default_rng(seed)
    rounds = range(0, resamples, _AT_ONCE)
    means = [values[rng.integers(len(values), size=(_AT_ONCE, len(values)))].mean(1) for _ in rounds]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)
