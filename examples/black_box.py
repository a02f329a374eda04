"""A network with a black box in its middle, trained by SPSA: `python examples/black_box.py`.

The second layer rounds what passes through it to sixteenths: its derivative is 0 wherever there is one, so nothing can
be pushed through it, forward or backward. SPSA asks for values only: two of the loss for each random direction.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.gradients import SPSA, Draw, PerNeuron
from dualtrain.core.nn import Adam, Custom, Dense, Network

STEPS, SHOWN_EVERY = 600, 100
NETWORK = Network(2, (Dense(8, "tanh", "xavier"), Custom("quantize"), Dense(2, "softmax", "xavier")))
METHOD = SPSA(directions=16, step_size=0.1)


def samples(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return points of a square `(count, 2)`, and whether they lie in its first or third quarter `(count,)`."""
    inputs = np.random.default_rng(seed).uniform(-1, 1, (count, 2)).astype(np.float32)
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).astype(np.int64)


def train(steps: int = STEPS) -> list[float]:
    """Return the accuracy on points that were not trained on, every 100 steps."""
    inputs, labels = samples(256, seed=0)
    optimizer = Adam(learning_rate=0.03)
    parameters, course = NETWORK.init(seed=0), []
    state = optimizer.init(NETWORK.size)
    blocks = METHOD.blocks(NETWORK, len(labels))
    for step in range(steps):
        draw = Draw(seed=0, step=step)
        rows = METHOD.measure(NETWORK, parameters, inputs, labels, blocks, draw)
        estimate = METHOD.combine(NETWORK, blocks, rows, parameters.dtype, draw)
        parameters, state = optimizer.update(parameters, estimate.gradient, state, step, steps)
        if (step + 1) % SHOWN_EVERY == 0:
            course.append(accuracy(parameters))
    return course


def accuracy(parameters: NDArray[np.float32]) -> float:
    """Return the share of 1,000 other points that the network puts where they belong."""
    inputs, labels = samples(1000, seed=1)
    return float(np.mean(NETWORK.probabilities(parameters, inputs).argmax(axis=1) == labels))


def refusal() -> str:
    """Return what a method says that would have to push tangents through the box."""
    try:
        PerNeuron().check(NETWORK)
    except ValueError as error:
        return str(error)
    raise AssertionError("nobody can push a tangent through a black box")


if __name__ == "__main__":
    sys.stdout.write(f"per-neuron: {refusal()}\n")
    for number, share in enumerate(train(), start=1):
        sys.stdout.write(f"step {number * SHOWN_EVERY}: {share:.1%} of other points are right\n")
