from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from tmnet_app.views.probability_bars import ProbabilityBars
from tmnet_core.live.readout import Readout
from tmnet_core.models.branch import Branch

CLASSES = ["clap", "jump", "wave"]


@pytest.fixture
def bars(qtbot) -> ProbabilityBars:
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.resize(320, 400)
    bars.show()
    bars.set_classes(CLASSES, list(Branch))
    return bars


def readout(values: np.ndarray, branches: tuple[Branch, ...] = tuple(Branch)) -> Readout:
    return Readout(dict.fromkeys(branches, values), np.argsort(-values, kind="stable")[:10].tolist())


def show(bars: ProbabilityBars, *numbers: float, now: float, still: bool = False) -> None:
    values = np.array(numbers, np.float32)
    bars.show_readout(readout(values), Branch.FUSED, now, still=still)


def rows(bars: ProbabilityBars):
    return [row for row in bars._rows if not row.isHidden()]


def test_one_row_a_class_named_for_those_who_listen(bars):
    show(bars, 0.2, 0.1, 0.7, now=0.0)
    assert [row.text() for row in rows(bars)] == ["wave", "clap", "jump"]
    assert rows(bars)[0].accessibleName() == "wave: RB 0.70, CB 0.70, RB+CB 0.70"
    assert bars.headline.text() == "wave  0.70"


def test_text_changes_at_most_four_times_a_second(bars):
    show(bars, 0.2, 0.1, 0.7, now=0.0)
    written = set()
    for tick in range(30):
        show(bars, 0.2, 0.1, 0.6 + tick / 1000, now=0.001 + tick / 30)
        written.add(bars.headline.text())
    assert len(written) <= 5


def test_bars_ease_towards_their_values(bars):
    show(bars, 0.0, 0.0, 0.0, now=0.0)
    bars.ease(0.0)
    show(bars, 0.0, 0.0, 1.0, now=0.1)
    lengths = []
    for tick in range(1, 60):
        bars.ease(tick / 30)
        lengths.append(bars.bar(Branch.RB, 2))
    assert 0 < lengths[0] < 0.5
    assert lengths == sorted(lengths)
    assert lengths[-1] == pytest.approx(1.0, abs=0.01)


def test_a_still_picture_is_shown_at_once(bars):
    show(bars, 0.2, 0.1, 0.7, now=0.0)
    show(bars, 0.7, 0.2, 0.1, now=0.01, still=True)
    assert bars.order[0] == 0
    assert bars.bar(Branch.CB, 0) == pytest.approx(0.7)
    assert bars.headline.text() == "clap  0.70"


def test_unsure_below_the_threshold(bars):
    bars.set_unsure(0.5)
    show(bars, 0.4, 0.3, 0.3, now=0.0)
    assert bars.headline.text() == "Unsure · clap  0.40"
    show(bars, 0.51, 0.3, 0.19, now=0.01, still=True)
    assert bars.headline.text() == "clap  0.51"
    bars.set_unsure(0.0)
    show(bars, 0.34, 0.33, 0.33, now=0.02, still=True)
    assert bars.headline.text() == "clap  0.34"


@pytest.mark.parametrize(
    ("classes", "chance", "sure"), [(1, 0.98, 1.0), (2, 0.74, 0.76), (3, 0.34, 0.51), (10, 0.29, 0.31)]
)
def test_little_more_than_chance_is_unsure_however_few_the_classes(bars, classes, chance, sure):
    bars.set_unsure(0.3)
    bars.set_classes([f"class {k}" for k in range(classes)], list(Branch))
    rest = [0.0] * (classes - 1)
    show(bars, chance, *rest, now=0.0, still=True)
    assert bars.headline.text() == f"Unsure · class 0  {chance:.2f}"
    show(bars, sure, *rest, now=1.0, still=True)
    assert bars.headline.text() == f"class 0  {sure:.2f}"


def test_clicking_a_row_pins_its_class_and_again_unpins_it(bars, qtbot):
    show(bars, 0.2, 0.1, 0.7, now=0.0)
    with qtbot.waitSignal(bars.class_pinned, check_params_cb=lambda index: index == 0):
        qtbot.mouseClick(rows(bars)[1], Qt.MouseButton.LeftButton)
    assert bars.pinned == 0
    with qtbot.waitSignal(bars.class_pinned, check_params_cb=lambda index: index == -1):
        qtbot.mouseClick(rows(bars)[1], Qt.MouseButton.LeftButton)


def test_a_checkpoint_with_one_branch_has_dashes_for_the_others(bars):
    bars.set_classes(CLASSES, [Branch.CB])
    alone = readout(np.array([0.2, 0.1, 0.7], np.float32), (Branch.CB,))
    bars.show_readout(alone, Branch.CB, 0.0, still=False)
    assert rows(bars)[0].accessibleName() == "wave: CB 0.70"
    assert not bars.grab().isNull()


def test_rows_that_come_into_sight_of_a_paused_video_show_further_classes(bars):
    bars.set_classes([str(number) for number in range(9)], list(Branch))
    values = np.linspace(0.2, 0.02, 9, dtype=np.float32)
    bars.resize(bars.width(), 200)
    bars.show_readout(readout(values), Branch.FUSED, 0.0, still=True)
    few = len(rows(bars))
    bars.resize(bars.width(), 700)
    assert few < len(rows(bars))
    assert [row.index for row in rows(bars)] == list(range(len(rows(bars))))


def test_a_model_of_many_classes_shows_those_that_fit(bars):
    bars.set_classes([str(number) for number in range(400)], list(Branch))
    bars.show_readout(readout(np.full(400, 1 / 400, np.float32)), Branch.FUSED, 0.0, still=False)
    assert 3 <= len(rows(bars)) <= 10
    assert rows(bars)[-1].geometry().bottom() <= bars.height()
