"""How good estimates are: `python -m benchmarks.estimators`.

Cosine and error of every estimator against the exact gradient as the number of directions S grows. What networks
trained with them reach is shown by `dualtrain recipe table`.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import measure, report
from dualtrain.core.data import Dataset, load
from dualtrain.core.gradients import SPSA, Draw, Estimate, ForwardGradient, Method, PerNeuron, gradient
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.tensor import Array, Labels
from dualtrain.core.rounds import Batches, Epoch

DIRECTIONS = (1, 4, 16, 64, 256, 1024)
REPEATS = 3
BATCH = 64
ESTIMATORS: dict[str, dict[str, Any]] = {
    "weights, normal": {"distribution": "normal"},
    "weights, signs": {"distribution": "rademacher"},
    "weights, orthogonal": {"distribution": "orthogonal"},
    "activations, normal": {"distribution": "normal", "perturb": "activations"},
    "activations, signs": {"distribution": "rademacher", "perturb": "activations"},
    "activations, orthogonal": {"distribution": "orthogonal", "perturb": "activations"},
    "SPSA, values only": {},
}


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
    kind = SPSA if name.startswith("SPSA") else partial(ForwardGradient, exact_last_layer=False)
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


if __name__ == "__main__":
    main()
