"""A short form of `tmnet stress faults --count 100`."""

from __future__ import annotations

from tmnet_app.benchmarks.faults import stress_window


def test_the_window_survives_a_fault_in_each_of_its_parts(qtbot) -> None:
    rows = stress_window(1)
    assert {row.what: row.failures for row in rows if row.failures} == {}
    assert len(rows) == 9
