from __future__ import annotations

import re

import pytest

from tmnet_app.benchmarks.soak import measure_soak


@pytest.mark.slow
@pytest.mark.usefixtures("qapp")
def test_a_soak_paints_as_many_frames_as_it_was_asked_for():
    figures = measure_soak(minutes=0.0, frames=200)
    painted = re.search(r"(\d+) paints", figures[0].detail)
    assert painted is not None
    assert int(painted[1]) >= 200
    assert len(figures) == 5
    assert figures[2].value <= 1.05, "open handles"
