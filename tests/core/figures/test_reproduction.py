import pytest
from matplotlib.colors import to_hex

from tmnet_core.figures.reproduction import draw_alpha, draw_lines, draw_tradeoff
from tmnet_core.figures.style import BRANCH_COLOURS
from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.cost import Cost
from tmnet_core.reproduction.plan import Line, Plan
from tmnet_core.reproduction.results import LineResult, Results
from tmnet_core.reproduction.scoring import Score
from tmnet_core.training.look import Look


def result(label: str, value: float, *top1: float) -> LineResult:
    line = Line(label, None, Look(), value=value, paper={Branch.RB: {"top1": 50.0}})
    scores = [
        Score(
            made="now",
            clips="",
            metrics={"RB": {"top1": share, "map": share / 2}},
            videos=[],
            sources=[],
            hits={"RB": []},
            unreadable=0,
        )
        for share in top1
    ]
    return LineResult(line, scores, [])


@pytest.fixture
def results() -> Results:
    lines = [result("a", 0.05, 0.2, 0.4), result("left out", 0.1), result("b", 0.8, 0.6, 0.6)]
    return Results(Plan("figure5", "title", "about", [line.line for line in lines]), lines, [])


def test_alpha_is_drawn_as_a_curve_of_the_means(results: Results) -> None:
    precision, accuracy = draw_alpha(results).axes
    for axes, expected in ((precision, [15.0, 30.0]), (accuracy, [30.0, 60.0])):
        (curve,) = [line for line in axes.lines if line.get_linestyle() == "-"]
        assert list(curve.get_xdata()) == [0.05, 0.8]
        assert list(curve.get_ydata()) == pytest.approx(expected)
        assert to_hex(curve.get_color()).upper() == BRANCH_COLOURS[Branch.RB]


def test_lines_are_drawn_beside_the_paper_s(results: Results) -> None:
    axes = draw_lines(results).axes[0]
    marks = [(line.get_marker(), float(line.get_xdata()[0])) for line in axes.lines if line.get_marker() in "oD"]
    assert sorted(marks) == [("D", 50.0), ("D", 50.0), ("o", pytest.approx(30.0)), ("o", pytest.approx(60.0))]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]


def test_a_bubble_is_as_large_as_its_cost(results: Results) -> None:
    axes = draw_tradeoff(results, {"a": Cost(10**9, 20.0), "b": Cost(4 * 10**9, 5.0)}).axes[0]
    first, second = axes.collections
    assert second.get_sizes()[0] == pytest.approx(4 * first.get_sizes()[0])
    assert first.get_offsets().tolist() == [[20.0, pytest.approx(30.0)]]


def test_labels_of_bubbles_that_lie_close_do_not_overlap(results: Results) -> None:
    figure = draw_tradeoff(results, {"a": Cost(10**9, 20.0), "b": Cost(10**9, 20.5)})
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)
