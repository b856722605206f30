"""Every figure is held to a slow, obvious computation on random scores."""

import math

import numpy as np
import pytest
import torch

from tmnet_core.training.metrics import bootstrap_interval, by_class, confusion, summarise

CLASSES = 7


@pytest.fixture(params=[0, 1, 2])
def scored(request) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(request.param)
    labels = torch.randint(CLASSES - 1, (120,), generator=generator)  # the last class does not occur
    scores = torch.rand(len(labels), CLASSES, generator=generator)
    scores[torch.arange(len(labels)), labels] += 0.3
    return (4 * scores).softmax(-1), labels


def ranked(row: list[float]) -> list[int]:
    return sorted(range(CLASSES), key=lambda k: -row[k])


def average_precision(scores: list[float], relevant: list[bool]) -> float:
    """The plain definition: the mean of the precision at each relevant item."""
    in_order = [r for _, r in sorted(zip(scores, relevant, strict=True), key=lambda pair: -pair[0])]
    precisions = [sum(in_order[: i + 1]) / (i + 1) for i, hit in enumerate(in_order) if hit]
    return sum(precisions) / len(precisions)


def reference(scores: torch.Tensor, labels: torch.Tensor):
    rows, truth = scores.tolist(), labels.tolist()
    occurring = sorted(set(truth))
    accuracy = {}
    precision = {}
    for k in occurring:
        of_class = [row for row, label in zip(rows, truth, strict=True) if label == k]
        accuracy[k] = sum(ranked(row)[0] == k for row in of_class) / len(of_class)
        precision[k] = average_precision([row[k] for row in rows], [label == k for label in truth])
    return accuracy, precision


def test_the_summary_is_the_reference_s(scored) -> None:
    scores, labels = scored
    rows = list(zip(scores.tolist(), labels.tolist(), strict=True))
    accuracy, precision = reference(scores, labels)
    assert summarise(scores, labels) == pytest.approx(
        {
            "top1": sum(ranked(row)[0] == label for row, label in rows) / len(rows),
            "top5": sum(label in ranked(row)[:5] for row, label in rows) / len(rows),
            "map": sum(precision.values()) / len(precision),
            "mean_class": sum(accuracy.values()) / len(accuracy),
        },
        abs=1e-6,
    )


def test_the_classes_are_the_reference_s(scored) -> None:
    accuracy, precision = by_class(*scored)
    expected_accuracy, expected_precision = reference(*scored)
    for k in range(CLASSES - 1):
        assert accuracy[k] == pytest.approx(expected_accuracy[k], abs=1e-6)
        assert precision[k] == pytest.approx(expected_precision[k], abs=1e-6)
    assert math.isnan(accuracy[-1])
    assert math.isnan(precision[-1])


def test_the_confusion_counts_every_answer(scored) -> None:
    scores, labels = scored
    expected = [[0] * CLASSES for _ in range(CLASSES)]
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        expected[label][ranked(row)[0]] += 1
    assert confusion(scores, labels).tolist() == expected


def test_the_interval_narrows_as_theory_says() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.2, 1.0, 400)
    interval = bootstrap_interval(values, resamples=2000)
    assert interval is not None
    low, high = interval
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 400**0.5, rel=0.15)


def test_clips_of_one_source_are_resampled_together() -> None:
    """Of 40 sources with 10 clips each, all right or all wrong, the interval is that of 40 values, not of 400."""
    rng = np.random.default_rng(4)
    of_source = rng.normal(0.2, 1.0, 40)
    values, sources = np.repeat(of_source, 10), np.repeat(np.arange(40), 10).astype(str)
    order = rng.permutation(400)
    interval = bootstrap_interval(values[order], list(sources[order]))
    assert interval is not None
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * of_source.std() / 40**0.5, rel=0.1)
    assert interval[0] < values.mean() < interval[1]
    assert bootstrap_interval(values, ["film"] * 400) is None


def test_large_sources_count_by_their_clips() -> None:
    # One of two sources is drawn twice with chance a half, else both: then nine of ten clips are right.
    assert bootstrap_interval(np.array([1.0] * 9 + [0.0]), ["large"] * 9 + ["small"]) == (0.0, 1.0)
