import pytest
from matplotlib.colors import to_hex

from tmnet_core.errors import DataError
from tmnet_core.figures.learning_curves import LearningCurves, draw_learning_curves
from tmnet_core.figures.style import BRANCH_COLOURS
from tmnet_core.models.branch import Branch
from tmnet_core.training.events import Started, Stepped, Validated


def started(iteration: int) -> Started:
    return Started(
        iteration=iteration, iterations=10, device="cpu", classes=3, clips=9, validation_clips=3, weights="none"
    )


def stepped(iteration: int, loss: float) -> Stepped:
    return Stepped(
        iteration=iteration,
        epoch=0,
        loss=loss,
        classification_loss=loss,
        regression_loss=loss / 2,
        learning_rate=0.1,
        clips_per_second=1.0,
    )


def validated(iteration: int, top1: float) -> Validated:
    return Validated(iteration=iteration, metrics={"RB+CB": {"top1": top1}}, best=True)


def test_what_a_resumed_run_took_again_counts_in_its_later_form() -> None:
    first = [started(0), stepped(2, 4.0), validated(4, 0.25), stepped(6, 3.0), validated(8, 0.9)]
    curves = LearningCurves.of([*first, started(4), stepped(5, 2.0), validated(8, 0.5)])
    assert curves.classification_loss == {2: 4.0, 5: 2.0}
    assert curves.regression_loss == {2: 2.0, 5: 1.0}
    assert curves.top1 == {Branch.FUSED: {4: 25.0, 8: 50.0}}


def test_runs_are_drawn_over_each_other_in_the_branches_colours() -> None:
    runs = {name: LearningCurves.of([stepped(1, 2.0), validated(2, top1)]) for name, top1 in [("a", 0.25), ("b", 0.5)]}
    figure = draw_learning_curves(runs)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in lines] == [[25.0], [50.0]]
    assert {to_hex(line.get_color()).upper() for line in lines} == {BRANCH_COLOURS[Branch.FUSED]}
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_a_run_without_a_step_has_no_curves() -> None:
    with pytest.raises(DataError, match="runs a: none has taken a step yet"):
        draw_learning_curves({"a": LearningCurves.of([started(0)])})
