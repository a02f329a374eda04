"""Rounds of one step, against the formula of a linear classifier's gradient."""

import numpy as np
from numpy.testing import assert_allclose

from dualtrain.core.gradients import PerNeuron
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
