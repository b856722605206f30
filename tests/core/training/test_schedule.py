import pytest

from tmnet_core.config import ScheduleSection
from tmnet_core.training.schedule import learning_rate_factor


@pytest.mark.parametrize(
    ("iteration", "factor"), [(0, 1.0), (9_999, 1.0), (10_000, 0.1), (15_999, 0.1), (16_000, 0.01), (23_999, 0.01)]
)
def test_steps_of_the_paper(iteration: int, factor: float) -> None:
    assert learning_rate_factor(iteration, ScheduleSection()) == pytest.approx(factor)


def test_cosine_falls_from_one_to_zero() -> None:
    schedule = ScheduleSection(iterations=100, kind="cosine")
    factors = [learning_rate_factor(iteration, schedule) for iteration in (0, 50, 100)]
    assert factors == pytest.approx([1.0, 0.5, 0.0])


def test_warmup_rises_to_the_schedule() -> None:
    schedule = ScheduleSection(iterations=100, kind="step", milestones=(50,), warmup=4)
    assert [learning_rate_factor(i, schedule) for i in range(5)] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
