"""Rounds of local steps, against local SGD (Stich 2019, arXiv 1805.09767) written out for a linear classifier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dualtrain.core.data import Dataset
from dualtrain.core.gradients import SPSA, PerNeuron
from dualtrain.core.nn import SGD, Cosine, Momentum
from dualtrain.core.rounds import Batches, Epoch, LocalSteps, OuterAverage, State
from tests.core.rounds.linear import NETWORK, samples, slope

REPLICAS = 3
RATES = (0.5, 0.375)
"""Half a cosine that falls from 0.5 to 0 in four steps: the first two of them."""


@pytest.mark.parametrize("count", [24, 20, 4])
def test_a_round_is_the_mean_of_all_replicas_also_of_those_that_saw_fewer_samples(count: int) -> None:
    batches = Batches(samples(), 0, Epoch(count, 4, REPLICAS))
    optimizer = Momentum(learning_rate=0.5, momentum=0.9, schedule=Cosine())
    rounds = LocalSteps(
        NETWORK, PerNeuron(), optimizer, batches, 4, 0, steps=2, replicas=REPLICAS, outer=OuterAverage()
    )
    begun = State(0, NETWORK.init(1, np.float64), (np.full(NETWORK.size, 0.1),))
    ends = []
    for replica in range(REPLICAS):
        parameters, velocity = begun.parameters, begun.optimizer[0]
        for step, rate in enumerate(RATES):
            inputs, labels = batches.batch(step, replica, dtype=np.float64)
            if len(labels):
                velocity = 0.9 * velocity + slope(parameters, inputs, labels)
                parameters = parameters - rate * velocity
        ends.append((parameters, velocity))
    after = rounds.advance(begun, rounds.measure(rounds.vector(begun), 0, range(REPLICAS)))
    assert_allclose((after.parameters, *after.optimizer), np.mean(ends, axis=0), rtol=1e-12)


def test_replicas_draw_directions_of_their_own() -> None:
    one = samples(1)
    images, labels = one.train_images.repeat(24, axis=0), one.train_labels.repeat(24)
    alike = Dataset("alike", 2, one.classes, "", images, labels, images, labels)
    batches = Batches(alike, 0, Epoch(24, 4, replicas=2))
    rounds = LocalSteps(NETWORK, SPSA(directions=1), SGD(), batches, 3, 0, steps=2, replicas=2, outer=OuterAverage())
    first, second = rounds.measure(NETWORK.init(1, np.float64), 0, range(2))
    assert not np.allclose(first[:-1], second[:-1])
