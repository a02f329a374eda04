"""The blog post's runs again: `python -m benchmarks.blog`.

(1) 144-20-10 on 12x12 MNIST, batch 1, learning rate 0.1, 6,186 steps, the test split every 500 steps as the post did,
with the post's own loop timed in the same run. (2) The epoch of 784-100-10 on 28x28 that the post put at 33 hours, one
pass per parameter, batch 1 and 64. (3) The shortest way to 85 % on the test split. (4) What weights that are
initialized naively do to the gradients of a deep network.
"""

import sys
import time
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks import loop, measure, report
from benchmarks.contenders import blog_layers
from dualtrain.core.data import Dataset, load, scale
from dualtrain.core.gradients import Draw, Method, PerNeuron, PerParameter, gradient
from dualtrain.core.nn import SGD, Dense, Network
from dualtrain.core.nn.initializers import InitializerName
from dualtrain.core.nn.tensor import Array
from dualtrain.core.rounds import Batches, Epoch
from dualtrain.core.runtime.process import keep_freed

STEPS, EVERY, RATE, TARGET = 6186, 500, 0.1, 0.85
LOOP_STEPS = 200
"""So many steps of the post's loop are taken; its time for more is that many times the median."""
INITIALIZED: dict[str, tuple[InitializerName, float]] = {
    "normal, deviation 1": ("naive", 1.0),
    "normal, deviation 0.01": ("naive", 0.01),
    "LeCun": ("lecun", 1.0),
    "Xavier": ("xavier", 1.0),
    "He": ("he", 1.0),
}
"""Initializers, and what their weights are multiplied with."""
DEPTH = 8


def main() -> None:
    parser = report.arguments("blog", __doc__)
    parser.add_argument("--loop-steps", type=int, default=LOOP_STEPS)
    options = parser.parse_args()
    measure.limit_threads(1)
    keep_freed()  # as `core.train` has it
    small, large = (load("mnist", size, options.data_dir, ()) for size in (12, 28))
    rows = [*_replay(small, options.loop_steps), *_epochs(large)]
    head = ["run", "steps", "time", "test accuracy", "the loop would take", "x faster"]
    found = report.Report("gradients.md", options.write)
    found.show("blog", report.table(head, rows))
    sizes = _initialization(large)
    head = ["mean size of the gradient in layer", *(str(layer + 1) for layer in range(DEPTH))]
    cells = [[name, *(f"{one:.1e}" for one in row)] for name, row in sizes.items()]
    found.show("initialization", report.table(head, cells))
    found.draw("initialization.png", partial(_plot, sizes))


def _network(inputs: int, hidden: int) -> Network:
    return Network(inputs, (Dense(hidden, "relu", "he"), Dense(10, "softmax", "xavier")))


def _batches(data: Dataset, size: int) -> Batches:
    return Batches(data, 0, Epoch(len(data.train_labels), size))


def _replay(data: Dataset, loop_steps: int) -> list[list[str]]:
    """Our runs on 12x12, and how long the post's loop takes for its 6,186 steps."""
    network = _network(144, 20)
    per_step = _loop_seconds(data, network, loop_steps)
    _say(f"the post's loop: {per_step:.3f} s per step, {per_step * STEPS:.0f} s for {STEPS} steps")
    rows = []
    for name, method, batch, target in (
        ("144-20-10, per-parameter, batch 1, as in the post", PerParameter(), 1, None),
        ("144-20-10, per-neuron, batch 1", PerNeuron(), 1, None),
        ("144-20-10, per-neuron, batch 16, to 85 %", PerNeuron(), 16, TARGET),
    ):
        every = EVERY if target is None else 100
        taken, steps, accuracy = _run(data, network, method, batch, STEPS, every, target)
        faster = f"{per_step * STEPS / taken:,.0f}"
        rows.append(
            [name, f"{steps:,}", report.seconds(taken), f"{accuracy:.2%}", f"{per_step * STEPS:,.0f} s", faster]
        )
        _say(" ".join(rows[-1]))
    return rows


def _epochs(data: Dataset) -> list[list[str]]:
    """One epoch of 784-100-10 on 28x28, a pass for every parameter."""
    network, rows = _network(784, 100), []
    per_step = _loop_seconds(data, network, 2)
    for batch in (64, 1):
        steps = _batches(data, batch).epoch.steps
        taken, done, accuracy = _run(data, network, PerParameter(), batch, steps, steps, None)
        hours, faster = f"{per_step * 60000 / 3600:.0f} h", f"{per_step * 60000 / taken:,.0f}"
        name = f"784-100-10, per-parameter, batch {batch}, one epoch"
        rows.append([name, f"{done:,}", report.seconds(taken), f"{accuracy:.2%}", hours, faster])
        _say(" ".join(rows[-1]))
    return rows


def _loop_seconds(data: Dataset, network: Network, steps: int) -> float:
    """Median seconds of a step of the post's loop, which trains a network of its own."""
    layers, batches, taken = blog_layers(network, network.init(0)), _batches(data, 1), []
    for step in range(steps):
        inputs, labels = batches.batch(step)
        started = time.perf_counter()
        found = loop.passes(layers, inputs[0].astype(np.float64), np.eye(10)[labels[0]])
        layers = [_moved(layer, found) for layer in layers]
        taken.append(time.perf_counter() - started)
    return median(taken)


def _moved(layer: loop.Layer, found: Iterator[float]) -> loop.Layer:
    """The layer after one step; takes its own derivatives from the iterator."""
    weights, bias, activation = layer
    weight_slopes = np.fromiter(found, np.float64, weights.size).reshape(weights.shape)
    bias_slopes = np.fromiter(found, np.float64, bias.size)
    return weights - RATE * weight_slopes, bias - RATE * bias_slopes, activation


def _run(
    data: Dataset, network: Network, method: Method, batch: int, steps: int, every: int, target: float | None
) -> tuple[float, int, float]:
    """Seconds, evaluations included, steps and test accuracy of a run with SGD that may end at a target."""
    parameters, optimizer, accuracy, step = network.init(0), SGD(learning_rate=RATE), 0.0, 0
    (images, labels), batches = data.test(), _batches(data, batch)
    started = time.perf_counter()
    for step in range(steps):
        inputs, numbers = batches.batch(step)
        slope = gradient(network, parameters, inputs, numbers, method, Draw(0, step))
        parameters, _ = optimizer.update(parameters, slope, (), step, steps)
        if (step + 1) % every == 0 or step + 1 == steps:
            accuracy = float((network.predict(parameters, scale(images)) == labels).mean())
            if target is not None and accuracy >= target:
                break
    return time.perf_counter() - started, step + 1, accuracy


def _initialization(data: Dataset) -> dict[str, list[float]]:
    """The size of each layer's weight gradient in a deep tanh network, by initializer."""
    inputs, labels = _batches(data, 256).batch(0)
    return {name: _sizes(*choice, inputs, labels) for name, choice in INITIALIZED.items()}


def _sizes(name: InitializerName, factor: float, inputs: Array, labels: Any) -> list[float]:
    hidden = [Dense(64, "tanh", name) for _ in range(DEPTH - 1)]
    network = Network(784, (*hidden, Dense(10, "softmax", name)))
    slope = gradient(network, network.init(0) * np.float32(factor), inputs, labels, PerNeuron())
    return [float(np.abs(part.of(slope)).mean()) for part in network.slices if part.name == "weights"]


def _plot(sizes: dict[str, list[float]]) -> Any:
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, row in sizes.items():
        axis.plot(range(1, DEPTH + 1), row, marker="o", label=name)
    axis.set(xlabel=f"layer of {DEPTH}", ylabel="mean size of its weight gradient", yscale="log")
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return figure


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
