from __future__ import annotations

from itertools import combinations

import pytest

from tmnet_app.views.arrangement import arrange


@pytest.mark.parametrize("details", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("aspect", [9 / 16, 1.0, 4 / 3, 16 / 9, 3.0])
@pytest.mark.parametrize(
    "size", [(640, 300), (600, 500), (860, 1000), (900, 480), (1264, 680), (1904, 950), (3824, 1900)]
)
def test_nothing_overlaps_and_nothing_leaves_the_window(size, aspect, count, details):
    plan = arrange(*size, aspect, count, 28, details=details)
    places = [*plan.panes, *([plan.details] if plan.details else [])]
    assert len(plan.panes) == count
    assert len({(pane.width(), pane.height()) for pane in plan.panes}) == 1
    assert not any(one.intersects(other) for one, other in combinations(places, 2))
    for place in places:
        assert place.left() >= 0
        assert place.top() >= 0
        assert place.right() < size[0]
        assert place.bottom() < size[1]
        assert place.width() > 0
        assert place.height() > 0


def test_pictures_keep_their_aspect():
    pane = arrange(1264, 680, 16 / 9, 3, 28, details=True).panes[0]
    assert pane.width() / (pane.height() - 28) == pytest.approx(16 / 9, rel=0.01)


def test_details_go_where_the_pictures_become_largest():
    upright = arrange(1264, 680, 9 / 16, 3, 28, details=True)
    assert upright.details.left() > upright.panes[-1].right()
    television = arrange(1264, 680, 4 / 3, 3, 28, details=True)
    assert television.details.top() > television.panes[0].bottom()
    wide = arrange(1264, 680, 16 / 9, 3, 28, details=True)
    assert wide.panes[2].top() > wide.panes[0].bottom()
    assert wide.details.top() == wide.panes[2].top()


def test_four_pictures_make_a_square_and_the_column_takes_what_they_leave():
    plan = arrange(1904, 950, 4 / 3, 4, 28, details=True)
    assert plan.panes[2].left() == plan.panes[0].left()
    assert plan.panes[1].top() == plan.panes[0].top()
    assert plan.details.width() > arrange(1264, 680, 16 / 9, 4, 28, details=True).details.width()


def test_a_narrow_window_folds_the_details_away():
    assert arrange(540, 600, 4 / 3, 3, 28, details=True).details is None


def test_a_window_too_narrow_for_a_column_has_the_details_below():
    plan = arrange(800, 600, 16 / 9, 3, 28, details=True)
    assert plan.details.width() == 800
    assert plan.details.top() > plan.panes[0].bottom()
