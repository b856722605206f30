import pytest
from matplotlib.colors import to_hex

from tmnet_core.errors import DataError
from tmnet_core.figures.learning_curves import LearningCurves, draw_learning_curves
from tmnet_core.figures.style import BRANCH_COLOURS
from tmnet_core.models.branch import Branch


def test_what_a_resumed_run_took_again_counts_in_its_later_form(make_event) -> None:
    first = [
        make_event.started(0),
        make_event.stepped(2, 4.0),
        make_event.validated(4, 0.25),
        make_event.stepped(6, 3.0),
        make_event.validated(8, 0.9),
    ]
    curves = LearningCurves.of(
        [*first, make_event.started(4), make_event.stepped(5, 2.0), make_event.validated(8, 0.5)]
    )
    assert curves.classification_loss == {2: 4.0, 5: 2.0}
    assert curves.regression_loss == {2: 2.0, 5: 1.0}
    assert curves.top1 == {Branch.FUSED: {4: 25.0, 8: 50.0}}


def test_runs_are_drawn_over_each_other_in_the_branches_colours(make_event) -> None:
    runs = {
        name: LearningCurves.of([make_event.stepped(1, 2.0), make_event.validated(2, top1)])
        for name, top1 in [("a", 0.25), ("b", 0.5)]
    }
    figure = draw_learning_curves(runs)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in lines] == [[25.0], [50.0]]
    assert {to_hex(line.get_color()).upper() for line in lines} == {BRANCH_COLOURS[Branch.FUSED]}
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_a_run_without_a_step_has_no_curves(make_event) -> None:
    with pytest.raises(DataError, match="runs a: none has taken a step yet"):
        draw_learning_curves({"a": LearningCurves.of([make_event.started(0)])})
