"""How the replicas' changes become one."""

import numpy as np

from dualtrain.core.rounds import OuterAverage, OuterNesterov, State


def test_an_average_takes_the_mean_as_it_is() -> None:
    state = State(0, np.zeros(3, np.float32))
    mean, outer = OuterAverage().update(state, np.ones(3, np.float32))
    np.testing.assert_array_equal(mean, np.ones(3))
    assert outer == ()


def test_nesterov_without_momentum_and_rate_one_is_an_average() -> None:
    state = State(0, np.full(3, 2, np.float32))
    moved, _ = OuterNesterov(learning_rate=1.0, momentum=0.0).update(state, np.full(3, 5, np.float32))
    np.testing.assert_array_equal(moved, np.full(3, 5))


def test_nesterov_follows_its_recurrence() -> None:
    rule, parameters, velocity = OuterNesterov(learning_rate=0.5, momentum=0.8), np.array([1.0]), np.array([0.0])
    state = State(0, parameters)
    for mean in (2.0, 2.5, 1.0):
        change = mean - parameters
        velocity = 0.8 * velocity + change
        parameters = parameters + 0.5 * (change + 0.8 * velocity)
        moved, outer = rule.update(state, np.array([mean]))
        np.testing.assert_allclose(moved, parameters, rtol=1e-14)
        state = State(0, moved, outer=outer)


def test_the_dtype_stays() -> None:
    state = State(0, np.zeros(3, np.float32))
    for _ in range(2):
        moved, outer = OuterNesterov().update(state, np.ones(3, np.float32))
        assert moved.dtype == outer[0].dtype == np.float32
        state = State(0, moved, outer=outer)
