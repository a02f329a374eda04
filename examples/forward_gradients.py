"""Forward gradients beside the exact one: `python examples/forward_gradients.py`.

The mean of slope·direction over S random directions is the gradient in expectation. How far it is off, and what
perturbing activations in place of weights brings, is measured on one batch.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.gradients import Draw, ForwardGradient, PerNeuron, gradient
from dualtrain.core.nn import Dense, Network

NETWORK = Network(20, (Dense(16, "relu", "he"), Dense(4, "softmax", "xavier")))
DIRECTIONS = (1, 16, 256)
DRAWS = 20


def errors(method: ForwardGradient) -> tuple[float, float]:
    """Return how far one estimate is from the exact gradient (root mean square), and the mean of all; relative."""
    parameters, inputs, labels = case()
    exact = gradient(NETWORK, parameters, inputs, labels, PerNeuron())
    estimates = np.stack(
        [gradient(NETWORK, parameters, inputs, labels, method, Draw(seed=0, step=step)) for step in range(DRAWS)]
    )
    distances = np.linalg.norm(estimates - exact, axis=1) / np.linalg.norm(exact)
    together = np.linalg.norm(estimates.mean(axis=0) - exact) / np.linalg.norm(exact)
    return float(np.sqrt(np.mean(distances**2))), float(together)


def case() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return parameters `(P,)`, inputs `(8, 20)` and labels `(8,)`."""
    generator = np.random.default_rng(0)
    parameters = NETWORK.init(seed=0).astype(np.float64)
    return parameters, generator.standard_normal((8, 20)), generator.integers(4, size=8)


if __name__ == "__main__":
    sys.stdout.write(f"{NETWORK.size} parameters; distance from the exact gradient, relative to its length\n")
    for perturb in ("weights", "activations"):
        for directions in DIRECTIONS:
            one, mean = errors(ForwardGradient(directions=directions, perturb=perturb))
            sys.stdout.write(f"{perturb:>11}, {directions:>3} directions: {one:6.2f}; mean of {DRAWS}: {mean:5.2f}\n")
