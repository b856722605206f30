from __future__ import annotations

from tmnet_app.benchmarks.painting import measure_painting


def test_all_pictures_cost_more_than_bare_ones_but_not_without_bounds(qapp):
    (figure,) = measure_painting(3)
    assert 1.0 < figure.value < 8.0
    assert figure.limit == "<= 4"
