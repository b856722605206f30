"""Which videos are held out for validation: a seeded, stratified split that keeps source videos whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tmnet_core.data.annotations import LabelledVideo, VideoDataset
from tmnet_core.errors import DataError

_SPLIT_ATTEMPTS = 20


def split_by_source(dataset: VideoDataset, validation_fraction: float, seed: int) -> tuple[VideoDataset, VideoDataset]:
    """Split into training and validation so that no source video is on both sides.

    About `validation_fraction` of each class's videos is held out. A source that occurs in several classes moves
    as a whole; every class of two or more sources is on both sides, a class of one source only in training.
    The same seed and file names give the same split, whatever order the videos come in.

    Raises:
        DataError: the sources do not allow such a split.
    """
    if not 0.0 < validation_fraction < 1.0:
        raise ValueError(f"validation_fraction is {validation_fraction}, not between 0 and 1")
    sources = sorted({video.source for video in dataset.videos})
    row = {source: i for i, source in enumerate(sources)}
    counts = np.zeros((len(sources), len(dataset.classes)), dtype=np.int64)
    for video in dataset.videos:
        counts[row[video.source], video.label] += 1
    if not ((counts > 0).sum(axis=0) >= 2).any():
        raise DataError(f"{dataset.root} cannot be split: each class comes from a single source video.")
    rng = np.random.default_rng(seed)
    attempts = (_hold_out(counts, validation_fraction, rng) for _ in range(_SPLIT_ATTEMPTS))
    held_out = next((attempt for attempt in attempts if attempt is not None), None)
    if held_out is None:
        raise DataError(
            f"{dataset.root} cannot be split by source video with every class on both sides, because classes "
            f"share too few sources; name the validation videos in split.csv."
        )
    return divide(dataset, lambda video: bool(held_out[row[video.source]]))


def divide(dataset: VideoDataset, held_out: Callable[[LabelledVideo], bool]) -> tuple[VideoDataset, VideoDataset]:
    """Return the videos that are not held out, and those that are."""
    training = tuple(video for video in dataset.videos if not held_out(video))
    validation = tuple(video for video in dataset.videos if held_out(video))
    return replace(dataset, videos=training), replace(dataset, videos=validation)


def _hold_out(counts: npt.NDArray[np.int64], fraction: float, rng: np.random.Generator) -> npt.NDArray[np.bool_] | None:
    """Choose the sources to hold out from their S×K counts of videos; None if a class would lack a side."""
    splittable = (counts > 0).sum(axis=0) >= 2
    # The only source of a class has to be trained on, and takes its videos of other classes along.
    free = np.flatnonzero((counts[:, ~splittable] == 0).all(axis=1))
    share = counts / np.maximum(counts.sum(axis=0), 1)
    target = np.where(splittable, fraction, 0.0)
    held_out = np.zeros(len(counts), dtype=bool)
    held_share = np.zeros_like(target)
    for source in rng.permutation(free):
        if _distance(held_share + share[source], target) < _distance(held_share, target):
            held_out[source] = True
            held_share += share[source]
    return _fill_both_sides(held_out, free, share, target)


def _fill_both_sides(
    held_out: npt.NDArray[np.bool_],
    free: npt.NDArray[np.int64],
    share: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_] | None:
    """Move single sources until every class with a target is on both sides; None where no move helps."""
    occurs = (share > 0)[:, target > 0].astype(np.float64)
    absent = _absent(held_out @ occurs, occurs)
    while absent > 0:
        direction = np.where(held_out[free], -1.0, 1.0)[:, None]
        absent_after = _absent(held_out @ occurs + direction * occurs[free], occurs)
        distance_after = _distance(held_out @ share + direction * share[free], target)
        if not absent_after.size or absent_after.min() >= absent:
            return None
        best = np.lexsort((distance_after, absent_after))[0]
        held_out[free[best]] ^= True
        absent = absent_after[best]
    return held_out


def _absent(held: npt.NDArray[np.float64], occurs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Count the classes that lack a side, given how many of their sources (last axis) are held out."""
    one_sided = (held == 0) | (held == occurs.sum(axis=0))
    return np.asarray(one_sided.sum(axis=-1), dtype=np.float64)


def _distance(share: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(((share - target) ** 2).sum(axis=-1), dtype=np.float64)
