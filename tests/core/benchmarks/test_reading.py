from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tmnet_core.benchmarks import reading
from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.data.augmentation import MultiScaleCrop
from tmnet_core.data.decoding import read_frames
from tmnet_core.errors import SourceError


def test_both_ways_of_reading_give_the_same_frames(make_video: Callable[..., Path], read_bar_code: Callable) -> None:
    path = make_video(frames=40)
    indices = [3, 5, 7, 39]
    ours, theirs = read_frames(path, indices), reading.read_in_sequence(path, indices)
    assert [read_bar_code(frame) for frame in ours] == [read_bar_code(frame) for frame in theirs] == indices
    with pytest.raises(SourceError, match="has no frame 40"):
        reading.read_in_sequence(path, [40])


def test_the_usual_augmentation_makes_the_networks_input() -> None:
    frames = np.full((2, 48, 64, 3), 128, dtype=np.uint8)
    clip = reading.augment_twice_resized(frames, MultiScaleCrop(), 32, np.random.default_rng(0))
    assert clip.shape == (2, 3, 32, 32)
    assert np.allclose(clip[:, 1], (128 / 255 - 0.456) / 0.224, atol=1e-3)


def test_every_figure_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "VIDEO_FRAMES", 40)
    monkeypatch.setattr(reading, "VIDEO_SIZE", (96, 64))
    monkeypatch.setattr(reading, "VIDEOS", 2)
    monkeypatch.setattr(reading, "CLIPS", 2)
    monkeypatch.setattr(reading, "WORKERS", (0,))
    figures = reading.measure(Conditions("resnet18", 224, 3, torch.device("cpu")))
    assert [figure.limit for figure in figures] == [">= 1.8", ">= 2.5", "", ">= 7", "", "<= 0.15", ""]
    assert all(figure.value > 0 for figure in figures)
    assert "clips/s" in figures[-1].detail
