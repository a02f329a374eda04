"""Test accuracy of local steps beside the synchronous run at equal samples: `python -m benchmarks.local_accuracy`.

784-100-10 per neuron on 28x28, SGD, the same samples in the same order, two replicas where there are local steps. Every
row is `core.train` in this process: bits, not times, are compared.
"""

from pathlib import Path
from typing import Any

from benchmarks.report import Report, arguments, table
from benchmarks.service import LOCAL
from dualtrain.core.data import load
from dualtrain.core.loop import Moment, Training, epoch_for
from dualtrain.core.spec import JobSpec
from dualtrain.core.train import run

EPOCHS = 5
SEEDS = (0, 1, 2)
SGD = {"name": "sgd", "learning_rate": 0.3}
NESTEROV = {"name": "nesterov"}
RUNS: dict[str, dict[str, Any]] = {
    "synchronous, batch 64": {},
    "synchronous, batch 128": {"batch_size": 128},
    **{f"{steps} local steps": {"local_steps": steps} for steps in (4, 16, 64)},
    "64 local steps, outer Nesterov": {"local_steps": 64, "outer": NESTEROV},
}


def measure(data_dir: Path) -> str:
    """Return for each way the accuracies after every epoch, the mean over the seeds."""
    data, rows = load("mnist", 28, data_dir, ()), []
    for name, changes in RUNS.items():
        specs = [_spec({**LOCAL, "optimizer": SGD, "epochs": EPOCHS, "seed": seed, **changes}) for seed in SEEDS]
        runs = [_accuracies(Training(spec, data)) for spec in specs]
        rows.append((name, *(f"{sum(column) / len(column):.2%}" for column in zip(*runs, strict=True))))
    return table(("test accuracy after epoch", *map(str, range(1, EPOCHS + 1))), rows)


def _spec(document: dict[str, Any]) -> JobSpec:
    """Return the spec that is evaluated once an epoch."""
    spec = JobSpec.model_validate(document)
    return spec.model_copy(update={"evaluate_every": epoch_for(spec, 60_000).steps})


def _accuracies(training: Training) -> list[float]:
    """Train; return the accuracies on the test split, an epoch each."""
    accuracies: list[float] = []

    def listen(moment: Moment) -> None:
        if moment.evaluation is not None:
            accuracies.append(moment.evaluation.test_accuracy)

    run(training, listen=listen)
    return accuracies


def main() -> None:
    """Measure and print."""
    options = arguments("local_accuracy", __doc__).parse_args()
    Report("scaling.md", options.write).show("local accuracy", measure(options.data_dir))


if __name__ == "__main__":
    main()
