"""A whole run in one process, without Redis: `python -m dualtrain.core.train [SPEC.json] [--set KEY=VALUE ...]`."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from threadpoolctl import threadpool_limits

from dualtrain.core.data import UnknownDataset, load
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.loop import Diverged, Moment, Training, train
from dualtrain.core.nn import Network
from dualtrain.core.overrides import document
from dualtrain.core.rounds import State, make_round
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.process import prepare_to_compute
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec, faults
from dualtrain.core.validation import parse

_INTERRUPTED = 130
"""Exit code after Ctrl-C; the weights so far are written."""

Listener = Callable[[Moment], None]


@dataclass(frozen=True)
class _Here:
    """Work that is computed in this process, when it is asked for."""

    training: Training
    state: State

    def evaluation(self) -> Evaluation:
        return self.training.evaluate(self.state)

    def rounds(self) -> tuple[State, Sequence[Mapping[str, Any]]]:
        state = make_round(self.training.rounds, self.state)
        return state, self.training.recorded(self.state.step, state)


def run(training: Training, state: State | None = None, listen: Listener | None = None) -> State:
    """Train from `state` (default: the beginning) to the end and return the last state.

    The same bits as the service computes with the same numerics: blocks, order of sums and batches are the same. The
    end is that of the spec: its steps, `target_accuracy`, or the first round that ends after `max_seconds`. `listen`
    is called with each state, from the first one to the last, which is evaluated.
    Raises Diverged when a loss or a parameter is not finite.
    """
    state = training.initial() if state is None else state
    started = time.monotonic()

    def begin(state: State, *, evaluate: bool, stop: int | None) -> _Here:
        return _Here(training, state)

    with threadpool_limits(1):
        for moment in train(training, state, begin, lambda: time.monotonic() - started):
            state = moment.state
            if listen is not None:
                listen(moment)
    return state


class _Log:
    """Prints evaluations as they are made, and keeps the newest state."""

    def __init__(self, total_steps: int, quiet: bool) -> None:
        self.state: State | None = None
        self.evaluation: Evaluation | None = None
        self._total_steps = total_steps
        self._quiet = quiet
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started

    def __call__(self, moment: Moment) -> None:
        self.state = moment.state
        if moment.evaluation is not None:
            self.add(moment.state, moment.evaluation)

    def add(self, state: State, evaluation: Evaluation) -> None:
        """Take an evaluation, and print it unless that is not wanted."""
        self.evaluation = evaluation
        if not self._quiet:
            _write(
                f"step {state.step}/{self._total_steps}  loss {state.loss:.4f}  "
                f"test {evaluation.test_accuracy:.2%}  passes {state.passes:,}  {self.seconds:.2f} s"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says; the last line is the result as JSON.

    Exits with 2 for a spec that cannot be trained here, with 1 when the training diverges, with 130 after Ctrl-C,
    which ends the training at its present step.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    training = _training(parser, options)
    prepare_to_compute()
    log = _Log(training.total_steps, options.json)
    try:
        run(training, listen=log)
    except Diverged as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        _finish(training, log, options.output)
        sys.exit(_INTERRUPTED)
    _finish(training, log, options.output)


def _finish(training: Training, log: _Log, output: Path | None) -> None:
    """Evaluate the last state, write its weights if a file is given, and print the result."""
    state = log.state
    if state is None:
        return
    if log.evaluation is None or log.evaluation.step != state.step:
        log.add(state, training.evaluate(state))
    assert log.evaluation is not None
    if output:
        write_weights(output, training.network, state.parameters)
    result = {
        "step": state.step,
        "passes": state.passes,
        "evaluations": state.evaluations,
        "test_accuracy": log.evaluation.test_accuracy,
        "seconds": log.seconds,
        "sha256": digest(state.parameters),
    }
    _write(json.dumps(result))


def write_weights(path: Path, network: Network, parameters: NDArray[Any]) -> None:
    """Write the layers' arrays to a safetensors file, under the names that a job's model has: `layers.0.weights`."""
    arrays = {f"layers.{s.layer}.{s.name}": np.ascontiguousarray(s.of(parameters)) for s in network.slices}
    save_file(arrays, path, {"format": "dualtrain"})


def _training(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Training:
    try:
        settings = Settings()
        spec = parse(JobSpec, json.dumps(document(options.spec, options.set)).encode())
        data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets)
    except (ValueError, OSError, UnknownDataset) as error:
        parser.error(str(error))
    if spec.initial_weights is not None:
        parser.error(f"initial_weights {spec.initial_weights!r} is a job of a service; here there is none to ask")
    if errors := faults(spec, len(data.classes), len(data.train_labels)):
        parser.error("\n".join(map(str, errors)))
    return Training(spec, data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dualtrain.core.train", description=__doc__)
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the weights to this safetensors file")
    parser.add_argument("--json", action="store_true", help="print the result only, without progress")
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
