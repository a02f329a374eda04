from math import sqrt

import numpy as np
import pytest

from dualtrain.core.nn import INITIALIZERS
from dualtrain.core.nn.initializers import InitializerName

FAN_IN, UNITS = 300, 200
DEVIATIONS: dict[InitializerName, float] = {
    "he": sqrt(2 / FAN_IN),
    "he-uniform": sqrt(2 / FAN_IN),
    "xavier": sqrt(2 / (FAN_IN + UNITS)),
    "xavier-normal": sqrt(2 / (FAN_IN + UNITS)),
    "lecun": sqrt(1 / FAN_IN),
    "lecun-uniform": sqrt(1 / FAN_IN),
    "naive": 1.0,
    "zeros": 0.0,
}
BOUNDS: dict[InitializerName, float] = {
    "he-uniform": sqrt(6 / FAN_IN),
    "xavier": sqrt(6 / (FAN_IN + UNITS)),
    "lecun-uniform": sqrt(3 / FAN_IN),
}


def drawn(name: InitializerName) -> np.ndarray:
    return INITIALIZERS[name](np.random.default_rng(1), FAN_IN, UNITS)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_deviation_is_the_one_of_the_paper(name: InitializerName) -> None:
    weights = drawn(name)
    assert weights.shape == (FAN_IN, UNITS)
    assert abs(weights.mean()) <= 4 * DEVIATIONS[name] / sqrt(weights.size)
    assert abs(weights.std() - DEVIATIONS[name]) <= 0.02 * DEVIATIONS[name]


@pytest.mark.parametrize("name", BOUNDS)
def test_uniform_ones_fill_their_range(name: InitializerName) -> None:
    assert 0.99 * BOUNDS[name] < np.abs(drawn(name)).max() <= BOUNDS[name]
