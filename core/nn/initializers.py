"""How a layer's weights begin: a table of functions `(generator, fan_in, units) -> (fan_in, units)` float64.

Weights drawn too large or too small make the signal grow or vanish from layer to layer; He (for relu), Xavier (for
softmax, tanh, sigmoid) and LeCun keep its variance about 1. `naive` does not, and is here to show it.
"""

from collections.abc import Callable
from math import sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Initializer: TypeAlias = Callable[[np.random.Generator, int, int], NDArray[np.float64]]
InitializerName = Literal["he", "he-uniform", "xavier", "xavier-normal", "lecun", "lecun-uniform", "naive", "zeros"]


def _normal(variance: Callable[[int, int], float]) -> Initializer:
    return lambda generator, fan_in, units: generator.normal(0.0, sqrt(variance(fan_in, units)), (fan_in, units))


def _uniform(variance: Callable[[int, int], float]) -> Initializer:
    def draw(generator: np.random.Generator, fan_in: int, units: int) -> NDArray[np.float64]:
        limit = sqrt(3.0 * variance(fan_in, units))  # the variance of a uniform number within ±limit is limit²/3
        return generator.uniform(-limit, limit, (fan_in, units))

    return draw


def _he(fan_in: int, units: int) -> float:
    return 2.0 / fan_in


def _xavier(fan_in: int, units: int) -> float:
    return 2.0 / (fan_in + units)


def _lecun(fan_in: int, units: int) -> float:
    return 1.0 / fan_in


INITIALIZERS: dict[InitializerName, Initializer] = {
    "he": _normal(_he),  # He et al. 2015
    "he-uniform": _uniform(_he),
    "xavier": _uniform(_xavier),  # Glorot and Bengio 2010
    "xavier-normal": _normal(_xavier),
    "lecun": _normal(_lecun),  # LeCun et al. 1998
    "lecun-uniform": _uniform(_lecun),
    "naive": _normal(lambda fan_in, units: 1.0),
    "zeros": lambda generator, fan_in, units: np.zeros((fan_in, units)),
}
