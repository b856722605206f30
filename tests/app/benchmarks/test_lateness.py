from __future__ import annotations

import pytest

from tmnet_app.benchmarks.lateness import REACH, measure_lateness


@pytest.mark.usefixtures("qapp")
def test_the_gate_tells_a_real_network_from_one_that_holds_the_lock():
    real, held = measure_lateness(6)
    assert real.limit == f"<= {REACH}"
    assert held.value > REACH
    assert real.value < held.value / 2
