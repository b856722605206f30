from __future__ import annotations

import re

from tmnet_app.benchmarks.opening import measure_opening


def test_every_wait_is_measured_beside_painting_anew(qtbot) -> None:
    figures = measure_opening(2)
    assert [figure.detail.rpartition("aim ")[2] for figure in figures] == ["300 ms", "100 ms", "100 ms", "100 ms"]
    for figure in figures:
        waited, idle = map(float, re.findall(r"(\d+) ms", figure.detail)[:2])
        assert 0 < waited < 20_000
        assert idle < 5_000
