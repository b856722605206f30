from __future__ import annotations

import math

import numpy as np
import pytest

from tmnet_core.live.smoothing import ExponentialSmoothing
from tmnet_core.models.branch import Branch


def cb(*numbers: float) -> dict[Branch, np.ndarray]:
    return {Branch.CB: np.array(numbers, np.float32)}


@pytest.mark.parametrize("frames", [1, 7, 30])
def test_the_average_depends_on_time_and_not_on_the_frame_rate(frames):
    smoothing = ExponentialSmoothing(0.5)
    smoothing.update(cb(0.0, 1.0), 0.0)
    for frame in range(1, frames + 1):
        result = smoothing.update(cb(1.0, 0.0), frame / frames)
    assert result[Branch.CB][0] == pytest.approx(1 - math.exp(-2.0), abs=1e-5)


def test_no_time_constant_shows_each_glance_as_it_is():
    smoothing = ExponentialSmoothing(0.0)
    smoothing.update(cb(0.0, 1.0), 0.0)
    assert smoothing.update(cb(1.0, 0.0), 0.0)[Branch.CB].tolist() == [1.0, 0.0]


def test_another_model_starts_anew():
    smoothing = ExponentialSmoothing(5.0)
    smoothing.update(cb(0.0, 1.0), 0.0)
    assert smoothing.update(cb(0.2, 0.2, 0.6), 0.1)[Branch.CB].tolist() == pytest.approx([0.2, 0.2, 0.6])
