from __future__ import annotations

import math
from itertools import pairwise

from PySide6.QtGui import QColor

from tmnet_app.views.history_graph import SECONDS, HistoryGraph, Stroke


def painted_columns(graph: HistoryGraph) -> list[int]:
    picture = graph.grab().toImage()
    red = [
        x
        for x in range(picture.width())
        for y in range(picture.height())
        if (c := picture.pixelColor(x, y)).red() > 150 and c.green() < 90
    ]
    return sorted(set(red))


def test_a_curve_ends_at_the_right_and_what_is_missing_interrupts_it(qtbot):
    graph = HistoryGraph("test", {"one": Stroke(QColor(255, 0, 0))}, 0.0, 1.0)
    qtbot.addWidget(graph)
    graph.resize(220, 100)
    for second in range(21):
        graph.add(float(second), {"one": math.nan if 8 <= second <= 12 else 0.5})
    columns = painted_columns(graph)
    assert columns[-1] >= 215
    gap = max(b - a for a, b in pairwise(columns))
    assert gap > 40
    graph.add(100.0 + SECONDS, {"one": 0.5})
    assert painted_columns(graph) == []
    graph.clear()
    assert painted_columns(graph) == []
