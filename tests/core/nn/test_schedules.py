import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.nn import Constant, Cosine, Step


def test_constant_is_one() -> None:
    assert [Constant().factor(step, 10) for step in (0, 5, 9)] == [1.0, 1.0, 1.0]


def test_step_falls_after_every_so_many_steps() -> None:
    schedule = Step(every=3, decay=0.5)
    assert [schedule.factor(step, 9) for step in range(9)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_cosine_goes_from_one_to_final() -> None:
    schedule = Cosine(final=0.2)
    assert schedule.factor(0, 11) == 1.0
    assert abs(schedule.factor(5, 11) - 0.6) < 1e-12
    assert abs(schedule.factor(10, 11) - 0.2) < 1e-12


def test_warmup_rises_in_equal_steps() -> None:
    assert [Constant(warmup_steps=3).factor(step, 10) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_cosine_begins_where_the_warmup_ends() -> None:
    schedule = Cosine(final=0.2, warmup_steps=4)
    assert [schedule.factor(step, 11) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert [schedule.factor(step, 11) for step in (7, 10)] == pytest.approx([0.6, 0.2])


def test_a_warmup_comes_before_steps_too_and_they_are_counted_from_the_start() -> None:
    schedule = Step(every=3, decay=0.5, warmup_steps=3)
    assert [schedule.factor(step, 9) for step in range(7)] == [0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.25]


@given(st.integers(0, 500), st.integers(1, 400), st.integers(0, 50), st.floats(0, 1))
def test_cosine_stays_between_its_ends(step: int, total: int, warmup: int, final: float) -> None:
    factor = Cosine(final=final, warmup_steps=warmup).factor(step, total)
    assert 0 <= factor <= 1 + 1e-12
    assert step < warmup or factor >= final - 1e-12
