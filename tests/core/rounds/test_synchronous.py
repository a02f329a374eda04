"""Rounds of one step, against the formula of a linear classifier's gradient."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dualtrain.core.gradients import ForwardGradient, GradientMethod, PerNeuron
from dualtrain.core.nn import SGD, Cosine
from dualtrain.core.rounds import Batches, Epoch, State, Synchronous
from tests.core.rounds.linear import NETWORK, samples, slope


def test_a_schedule_is_told_how_long_the_job_is() -> None:
    batches, optimizer = Batches(samples(), 0, Epoch(24, 4)), SGD(learning_rate=1.0, schedule=Cosine())
    rounds = Synchronous(NETWORK, PerNeuron(), optimizer, batches, total_steps=3, seed=0)
    state = State(0, NETWORK.init(1, np.float64))
    for step, factor in enumerate((1.0, 0.5, 0.0)):
        expected = state.parameters - factor * slope(state.parameters, *batches.batch(step, dtype=np.float64))
        state = rounds.advance(state, rounds.measure(rounds.vector(state), step, range(rounds.units(step))))
        assert_allclose(state.parameters, expected, rtol=1e-12)


def after_steps(method: GradientMethod, steps: int, cosine_every: int | None = None, **optimizer: object) -> State:
    batches = Batches(samples(), 0, Epoch(24, 4))
    sgd = SGD(**optimizer)  # type: ignore[arg-type]
    rounds = Synchronous(NETWORK, method, sgd, batches, total_steps=steps, seed=0, cosine_every=cosine_every)
    state = State(0, NETWORK.init(1, np.float64))
    for step in range(steps):
        state = rounds.advance(state, rounds.measure(rounds.vector(state), step, range(rounds.units(step))))
    return state


def test_a_state_carries_norm_and_variance_of_its_gradient() -> None:
    batches = Batches(samples(), 0, Epoch(24, 4))
    start = NETWORK.init(1, np.float64)
    exact = after_steps(PerNeuron(), 1)
    assert exact.gradient_norm == pytest.approx(np.linalg.norm(slope(start, *batches.batch(0, dtype=np.float64))))
    assert exact.gradient_variance is None
    estimated = after_steps(ForwardGradient(directions=3, exact_last_layer=False), 1)
    assert estimated.gradient_variance is not None
    assert estimated.gradient_variance > 0


def test_the_cosine_is_compared_as_often_as_asked_and_changes_nothing() -> None:
    method = ForwardGradient(directions=3, exact_last_layer=False)
    compared = after_steps(method, 5, cosine_every=2)
    assert compared.parameters.tobytes() == after_steps(method, 5).parameters.tobytes()
    assert compared.cosine == after_steps(method, 4, cosine_every=2).cosine  # the newest one
    assert after_steps(method, 1, cosine_every=2).cosine is None
    assert 0 < abs(compared.cosine or 0) < 1
    assert after_steps(PerNeuron(), 1, cosine_every=1).cosine == pytest.approx(1)


def test_a_layer_with_factor_0_stays_as_it_is() -> None:
    start = NETWORK.init(1, np.float64)
    assert after_steps(PerNeuron(), 3, layer_factors=(0.0,)).parameters.tobytes() == start.tobytes()
    whole, half = (after_steps(PerNeuron(), 1, layer_factors=(factor,)).parameters - start for factor in (1.0, 0.5))
    assert_allclose(half, whole / 2)
