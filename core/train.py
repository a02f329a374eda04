"""A whole run in one process, without Redis: `python -m dualtrain.core.train [SPEC.json] [--set KEY=VALUE ...]`."""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from dualtrain.core.data import UnknownDataset, load
from dualtrain.core.loop import Diverged, Evaluation, Training, train
from dualtrain.core.overrides import document
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.process import prepare_to_compute
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec, faults
from dualtrain.core.validation import parse

Listener = Callable[[State, Evaluation | None], None]


def run(training: Training, state: State | None = None, listen: Listener | None = None) -> State:
    """Train from `state` (default: the beginning) to the end and return the last state.

    The same bits as the service computes with the same numerics: blocks, order of sums and batches are the same. The
    end is that of the spec: its steps, `target_accuracy`, or the first round that ends after `max_seconds`.
    Raises Diverged when a loss or a parameter is not finite.
    """
    state = training.initial() if state is None else state
    end = time.monotonic() + (training.spec.max_seconds or math.inf)
    with threadpool_limits(1):
        for after, evaluation in train(training, state, training.measure):
            state = after
            if listen is not None:
                listen(state, evaluation)
            if time.monotonic() >= end:
                break
    return state


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; the last line is the result as JSON.

    Exits with 2 where it says no spec that can be trained here, with 1 when the training diverges.
    """
    parser = _parser()
    training = _training(parser, parser.parse_args(arguments))
    prepare_to_compute()
    started = time.perf_counter()
    evaluations: list[Evaluation] = []

    def listen(state: State, evaluation: Evaluation | None) -> None:
        if evaluation is not None:
            evaluations.append(evaluation)
            seconds = time.perf_counter() - started
            _write(
                f"step {state.step}/{training.total_steps}  loss {state.loss:.4f}  "
                f"test {evaluation.test_accuracy:.2%}  passes {state.passes:,}  {seconds:.2f} s"
            )

    try:
        state = run(training, listen=listen)
    except Diverged as error:
        sys.exit(f"{parser.prog}: {error}")
    if not evaluations or evaluations[-1].step != state.step:
        listen(state, training.evaluate(state))
    seconds = time.perf_counter() - started
    result = {"step": state.step, "test_accuracy": evaluations[-1].test_accuracy, "seconds": seconds}
    _write(json.dumps({**result, "sha256": digest(state.parameters)}))


def _training(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Training:
    try:
        settings = Settings()
        spec = parse(JobSpec, json.dumps(document(options.spec, options.set)).encode())
        data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets)
    except (ValueError, OSError, UnknownDataset) as error:
        parser.error(str(error))
    if spec.initial_weights is not None:
        parser.error(f"initial_weights {spec.initial_weights!r} is a job of a service; here there is none to ask")
    if found := faults(spec, len(data.classes), len(data.train_labels)):
        parser.error("\n".join(map(str, found)))
    return Training(spec, data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dualtrain.core.train", description=__doc__)
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
