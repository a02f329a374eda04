"""A whole run in one process, without Redis: `python -m core.train [SPEC.json] [--set KEY=VALUE ...]`."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.assignments import document
from core.data import load
from core.memory import keep_freed
from core.numerics import digest
from core.rounds import State
from core.settings import Settings
from core.spec import JobSpec
from core.training import Evaluation, Training, train

Listener = Callable[[State, Evaluation | None], None]


def run(training: Training, state: State | None = None, listen: Listener | None = None) -> State:
    """Train from `state` (default: the beginning) to the end and return the last state.

    The same bits as the service computes with the same numerics: blocks, order of sums and batches are the same.
    Raises Diverged when a loss is not finite.
    """
    state = training.initial() if state is None else state
    with threadpool_limits(1):
        for after, evaluation in train(training, state, training.measure):
            state = after
            if listen is not None:
                listen(state, evaluation)
    return state


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; the last line is the result as JSON. Exits with 2 where it says no spec."""
    spec, settings = _spec(arguments), Settings()
    keep_freed()
    data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets)
    training, started = Training(spec, data), time.perf_counter()
    accuracies: list[float] = []

    def listen(state: State, evaluation: Evaluation | None) -> None:
        if evaluation is not None:
            accuracies.append(evaluation.test_accuracy)
            seconds = time.perf_counter() - started
            _write(
                f"step {state.step}/{training.total_steps}  loss {state.loss:.4f}  "
                f"test {evaluation.test_accuracy:.2%}  passes {state.passes:,}  {seconds:.2f} s"
            )

    state = run(training, listen=listen)
    seconds = time.perf_counter() - started
    result = {"step": state.step, "test_accuracy": accuracies[-1], "seconds": seconds}
    _write(json.dumps({**result, "sha256": digest(state.parameters)}))


def _spec(arguments: Sequence[str] | None) -> JobSpec:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return JobSpec.model_validate(document(options.spec, options.set))
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core.train", description=__doc__)
    parser.add_argument("spec", nargs="?", type=Path, help="a job spec as JSON; every field has a default")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set one field, the value as JSON: gradient.method=per-neuron, network.layers.0.units=100",
    )
    return parser


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
