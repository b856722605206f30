from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from tmnet_app.views.curve_legend import CurveLegend
from tmnet_app.views.history_graph import Stroke


def test_each_curve_stands_in_its_colour_before_its_name_and_stays_where_it_is(qtbot):
    red, blue = QColor(255, 0, 0), QColor(0, 0, 255)
    legend = CurveLegend("test", {"one": Stroke(red), "two": Stroke(blue, Qt.PenStyle.DotLine)})
    qtbot.addWidget(legend)
    legend.resize(300, legend.sizeHint().height())

    def columns(colour: QColor) -> list[int]:
        picture = legend.grab().toImage()
        seen = [picture.pixelColor(x, picture.height() // 2) for x in range(picture.width())]
        return [x for x, c in enumerate(seen) if abs(c.red() - colour.red()) + abs(c.blue() - colour.blue()) < 60]

    assert legend.text == "one · two"
    before = columns(red), columns(blue)
    assert min(before[0]) < 3
    assert 150 <= min(before[1]) < 155
    legend.write({"one": "0.50", "two": "−0.25"})
    assert legend.text == legend.accessibleDescription() == "one 0.50 · two −0.25"
    assert (columns(red), columns(blue)) == before
