from __future__ import annotations

import pytest

from tmnet_app.benchmarks.lateness import REACH, compare_lateness
from tmnet_app.benchmarks.stand_in_window import StandIn


class Hog(StandIn):
    """A network that holds the interpreter's lock while it computes, as one in plain Python would."""

    engine = "hog"

    def glance(self, frame, *, mirror=False, crop=None):
        sum(range(8_000_000))  # one call of C, which nothing can interrupt
        return super().glance(frame, mirror=mirror, crop=crop)


@pytest.mark.usefixtures("qapp")
def test_a_network_that_holds_the_lock_fails_the_gate():
    figure = compare_lateness(Hog(0.0), seconds=6)
    assert figure.limit == f"<= {REACH}"
    assert figure.value > REACH
