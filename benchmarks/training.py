"""A whole training run beside the same run with PyTorch's reverse mode: `python -m benchmarks.training`.

784-100-10 on 28x28 MNIST, batch 64, plain SGD: same initial weights, same batches, same number of evaluations on the
whole test split. Needs the bench extra.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.report import Report, arguments, table
from dualtrain.core.data import Dataset, load
from dualtrain.core.loop import Moment, Training
from dualtrain.core.spec import JobSpec
from dualtrain.core.train import run

LEARNING_RATE = 0.3
EPOCHS = 7


def spec() -> JobSpec:
    """Return the job of this benchmark."""
    layers = [{"units": 100, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
    return JobSpec.model_validate(
        {
            "dataset": {"image_size": 28},
            "network": {"layers": layers},
            "gradient": {"method": "per-neuron"},
            "optimizer": {"name": "sgd", "learning_rate": LEARNING_RATE},
            "epochs": EPOCHS,
            "evaluate_every": 938,
        }
    )


def ours(data: Dataset) -> tuple[float, float]:
    """Return seconds and test accuracy of the run without a backward pass."""
    training, accuracies = Training(spec(), data), list[float]()

    def listen(moment: Moment) -> None:
        if moment.evaluation is not None:
            accuracies.append(moment.evaluation.test_accuracy)

    started = time.perf_counter()
    run(training, listen=listen)
    return time.perf_counter() - started, accuracies[-1]


def theirs(data: Dataset, threads: int) -> tuple[float, float]:
    """Return seconds and test accuracy of the same run by PyTorch's reverse mode on so many threads."""
    torch.set_num_threads(threads)
    training = Training(spec(), data)
    started = time.perf_counter()
    model = _model(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    accuracy = 0.0
    for step in range(training.total_steps):
        inputs, labels = training.batches.batch(step)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(inputs)), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        if not torch.isfinite(loss):
            raise ArithmeticError("diverged")
        if training.due(step, step + 1):
            accuracy = _accuracy(model, data)
    return time.perf_counter() - started, accuracy


def _model(training: Training) -> torch.nn.Sequential:
    hidden, output = torch.nn.Linear(784, 100), torch.nn.Linear(100, 10)
    layers = training.network.unpack(training.initial().parameters)
    with torch.no_grad():
        for linear, (weights, bias) in zip((hidden, output), layers, strict=True):
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights.T)))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
    return torch.nn.Sequential(hidden, torch.nn.ReLU(), output)


def _accuracy(model: torch.nn.Sequential, data: Dataset) -> float:
    images, labels = data.test()
    with torch.no_grad():
        found = model(torch.from_numpy(images.astype(np.float32) / 255)).argmax(dim=1).numpy()
    return float((found == labels).mean())


def main() -> None:
    """Run all in turn, several times; print medians, and ratios within each turn."""
    parser = arguments("training", __doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    data = load("mnist", 28, options.data_dir, ())
    rows: dict[str, Callable[[], tuple[float, float]]] = {
        "dualtrain, per-neuron, 1 thread": lambda: ours(data),
        "PyTorch reverse mode, 1 thread": lambda: theirs(data, 1),
        "PyTorch reverse mode, 2 threads": lambda: theirs(data, 2),
    }
    with threadpool_limits(1, "blas"):
        turns = [{name: row() for name, row in rows.items()} for _ in range(options.runs)]
    first, cells = next(iter(rows)), []
    for name in rows:
        seconds = statistics.median(turn[name][0] for turn in turns)
        ratio = statistics.median(turn[first][0] / turn[name][0] for turn in turns)
        cells.append((name, f"{seconds:.2f}", f"{turns[0][name][1]:.2%}", f"{ratio:.2f}"))
    head = ("run", "seconds", "test accuracy", "dualtrain / this")
    Report("gradients.md", options.write).show("training", table(head, cells))


if __name__ == "__main__":
    main()
