"""How good estimates are: `python -m benchmarks.estimators`.

First cosine and error of every estimator against the exact gradient as the number of directions S grows, then the test
error on MNIST of networks trained with forward gradients over weights and over activations, beside the exact gradient.
"""

import sys
import time
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import measure, report
from dualtrain.core.data import Dataset, load, scale
from dualtrain.core.gradients import SPSA, Draw, Estimate, ForwardGradient, Method, PerNeuron, gradient
from dualtrain.core.nn import SGD, Cosine, Dense, Network
from dualtrain.core.nn.tensor import Array, Labels
from dualtrain.core.rounds import Batches, Epoch

DIRECTIONS = (1, 4, 16, 64, 256, 1024)
REPEATS = 3
BATCH = 64
EPOCHS = 30
ESTIMATORS: dict[str, dict[str, Any]] = {
    "weights, normal": {"distribution": "normal"},
    "weights, signs": {"distribution": "rademacher"},
    "weights, orthogonal": {"distribution": "orthogonal"},
    "activations, normal": {"distribution": "normal", "perturb": "activations"},
    "activations, signs": {"distribution": "rademacher", "perturb": "activations"},
    "activations, orthogonal": {"distribution": "orthogonal", "perturb": "activations"},
    "SPSA, values only": {},
}
SIGNS = partial(ForwardGradient, directions=1, distribution="rademacher")
TRAINED: dict[str, tuple[Method, tuple[float, ...]]] = {
    "exact, per-neuron": (PerNeuron(), (0.1, 0.3)),
    "over activations, 1 direction": (SIGNS(perturb="activations"), (0.03, 0.06)),
    "over weights, 1 direction": (SIGNS(), (0.003, 0.01, 0.03)),
}
"""Methods with the learning rates that are tried: the one with the lowest training loss after one epoch is kept."""


class Quality(NamedTuple):
    """Means over a few estimates; both errors are squared and over the squared length of the exact gradient."""

    cosine: float
    told: float
    """The variance that the estimates themselves tell."""
    seen: float


def main() -> None:
    options = report.arguments("estimators", __doc__).parse_args()
    told = report.Report("gradients.md", options.write)
    measure.limit_threads(1)
    small = load("mnist", 12, options.data_dir, ())
    found = {name: [_quality(small, name, count) for count in DIRECTIONS] for name in ESTIMATORS}
    told.show("estimators", _tables(found))
    told.draw("estimators.png", partial(_plot, found))
    data = load("mnist", 28, options.data_dir, ())
    rows = [_trained(data, name, *choice) for name, choice in TRAINED.items()]
    head = [f"784-100-10, batch {BATCH}, {EPOCHS} epochs", "learning rate", "test error", "seconds per epoch"]
    told.show("trained", report.table(head, rows))


def _network(inputs: int, hidden: int) -> Network:
    return Network(inputs, (Dense(hidden, "relu", "he"), Dense(10, "softmax", "xavier")))


def _batches(data: Dataset) -> Batches:
    return Batches(data, 0, Epoch(len(data.train_labels), BATCH))


def _estimate(
    network: Network, parameters: Array, inputs: Array, labels: Labels, method: Method, draw: Draw
) -> Estimate:
    blocks = method.blocks(network, len(labels))
    rows = method.measure(network, parameters, inputs, labels, blocks, draw)
    return method.combine(network, blocks, rows, parameters.dtype, draw)


def _quality(data: Dataset, name: str, directions: int) -> Quality:
    """Of one estimator, for 144-20-10 as it is initialized and the first batch."""
    network = _network(144, 20)
    parameters = network.init(0, np.float64)
    inputs, labels = _batches(data).batch(0)
    exact = gradient(network, parameters, inputs, labels, PerNeuron())
    kind = SPSA if name.startswith("SPSA") else ForwardGradient
    method: Method = kind(directions=directions, **ESTIMATORS[name])
    estimates = [_estimate(network, parameters, inputs, labels, method, Draw(seed, 0)) for seed in range(REPEATS)]
    square = float(exact @ exact)
    cosines = [one.gradient @ exact / np.sqrt(one.gradient @ one.gradient * square) for one in estimates]
    told = [np.nan if one.variance is None else one.variance / square for one in estimates]
    seen = [((one.gradient - exact) ** 2).sum() / square for one in estimates]
    return Quality(float(np.mean(cosines)), float(np.mean(told)), float(np.mean(seen)))


def _tables(found: dict[str, list[Quality]]) -> str:
    head = [str(count) for count in DIRECTIONS]
    cosines = [[name, *(f"{one.cosine:.3f}" for one in row)] for name, row in found.items()]
    errors = [[name, *(f"{one.told:.3g} / {one.seen:.3g}" for one in row)] for name, row in found.items()]
    return "\n\n".join(
        [
            report.table(["cosine; S =", *head], cosines),
            report.table(["squared error over ‖g‖², told / seen; S =", *head], errors).replace("nan", "–"),
        ]
    )


def _plot(found: dict[str, list[Quality]]) -> Any:
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, row in found.items():
        left.plot(DIRECTIONS, [one.cosine for one in row], marker="o", label=name)
        right.plot(DIRECTIONS, [max(one.seen, 1e-4) for one in row], marker="o")
    left.set(xscale="log", xlabel="directions S", ylabel="cosine with the exact gradient")
    right.set(xscale="log", yscale="log", xlabel="directions S", ylabel="squared error over ‖g‖²")
    for axis in (left, right):
        axis.grid(alpha=0.3)
    left.legend(frameon=False)
    return figure


def _trained(data: Dataset, name: str, method: Method, rates: tuple[float, ...]) -> list[str]:
    network = _network(784, 100)
    losses = {rate: _epochs(data, network, method, rate, 1)[1] for rate in rates}
    rate, started = min(losses, key=lambda one: losses[one]), time.perf_counter()
    parameters, _ = _epochs(data, network, method, rate, EPOCHS)
    taken = (time.perf_counter() - started) / EPOCHS
    images, labels = data.test()
    error = float((network.predict(parameters, scale(images)) != labels).mean())
    sys.stdout.write(f"{name}: {error:.2%} with learning rate {rate} of {losses}, {taken:.2f} s per epoch\n")
    sys.stdout.flush()
    return [name, str(rate), f"{error:.2%}", f"{taken:.2f}"]


def _epochs(data: Dataset, network: Network, method: Method, rate: float, epochs: int) -> tuple[Array, float]:
    """The parameters after so many epochs, and the mean loss of the last half epoch; infinite when it diverged."""
    batches = _batches(data)
    steps = epochs * batches.epoch.steps
    optimizer, parameters, losses = SGD(learning_rate=rate, schedule=Cosine(final=0.05)), network.init(0), []
    for step in range(steps):
        inputs, labels = batches.batch(step)
        estimate = _estimate(network, parameters, inputs, labels, method, Draw(0, step))
        losses.append(estimate.loss or 0.0)
        parameters, _ = optimizer.update(parameters, estimate.gradient, (), step, steps)
    late = np.array(losses[-469:])
    return parameters, float(late.mean()) if np.isfinite(late).all() else float("inf")


if __name__ == "__main__":
    main()
