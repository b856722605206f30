import math

import pytest
from PySide6.QtGui import QColor, QFontMetricsF

from tmnet_app.benchmarks.training import measure_redraw
from tmnet_app.theme import BRANCH_COLOURS
from tmnet_app.training.curves import Curves
from tmnet_core.models.branch import Branch
from tmnet_core.training.events import Started, Stepped, Validated
from tmnet_core.training.record import RunRecord


def record_of(iterations: int, branches: tuple[str, ...] = ("RB", "CB", "RB+CB")) -> RunRecord:
    record = RunRecord()
    record.add(
        [
            Started(
                iteration=0, iterations=iterations, device="CPU", classes=2, clips=2, validation_clips=2, weights=""
            ),
            *(
                Stepped(
                    iteration=i,
                    epoch=0,
                    loss=1.0 / i,
                    classification_loss=0.5 / i,
                    regression_loss=0.5 / i if "RB" in branches else None,
                    learning_rate=0.1,
                    clips_per_second=1.0,
                )
                for i in range(1, iterations + 1)
            ),
            Validated(iteration=iterations, metrics={branch: {"top1": 0.5} for branch in branches}, best=True),
        ]
    )
    return record


@pytest.fixture
def curves(qtbot) -> Curves:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.show()
    return curves


def drawn(curves: Curves, plot: str, name: str) -> tuple[list[float], list[float], QColor]:
    item = curves._items[plot, name]
    x, y = item.getData()
    return list(x), list(y), item.opts["pen"].color()


def test_one_run_is_drawn_with_its_branches_in_their_colours(curves: Curves) -> None:
    curves.show_records({"run": record_of(4)})
    x, y, _ = drawn(curves, "loss", "whole")
    assert (x, y) == ([1, 2, 3, 4], [1, 1 / 2, 1 / 3, 1 / 4])
    assert drawn(curves, "regression", "RB")[1] == [0.5, 0.25, 0.5 / 3, 0.125]
    for branch in Branch:
        x, y, colour = drawn(curves, "validation", str(branch))
        assert (x, y) == ([4], [50])
        # Darkened or lightened until it can be read; its hue stays.
        assert abs(colour.hue() - BRANCH_COLOURS[branch].hue()) <= 2


def test_every_plot_shows_the_whole_run_however_few_points_there_are(curves: Curves, qtbot) -> None:
    curves.show_records({"run": RunRecord()})
    plot = curves._plots["validation"]
    assert plot.viewRange() == [[0, 102], [0, 100]]
    one = record_of(4)
    one.started = one.started.model_copy(update={"iterations": 800})
    curves.show_records({"run": one})
    assert [plot.viewRange()[0] for plot in curves._plots.values()] == [[0, 816]] * 4
    assert plot.viewRange()[1] == [0, 100]
    # The number of the last tick ends within the picture.
    axis = plot.getAxis("bottom")
    half = QFontMetricsF(axis.style["tickFont"]).horizontalAdvance("800") / 2
    qtbot.waitUntil(lambda: axis.scenePos().x() + axis.size().width() + half <= plot.width())


def test_a_network_without_rb_has_no_curve_of_it(curves: Curves) -> None:
    curves.show_records({"run": record_of(4, ("CB",))})
    assert ("validation", "RB") not in curves._items
    assert all(math.isnan(value) for value in drawn(curves, "regression", "RB")[1])


def test_another_run_takes_the_place_of_the_first(curves: Curves) -> None:
    curves.show_records({"run": record_of(4)})
    curves.show_records({"one": record_of(4), "two": record_of(6, ("CB",))})
    assert {key for key in curves._items if key[0] == "validation"} == {("validation", "one"), ("validation", "two")}
    assert "two" in curves._legends["loss"].text()


def test_curves_of_100_000_events_redraw_about_as_fast_as_short_ones(qapp) -> None:
    # The reach is 2; a busy machine is forgiven some of it.
    assert measure_redraw(8).value < 3
