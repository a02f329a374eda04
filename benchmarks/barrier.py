"""What a round's barrier costs by itself: two processes, pipes, no queue and no server: `python -m benchmarks.barrier`.

Beside two concurrent `core.train`, in turns, like `benchmarks.service`: what is lost here no service can win back.
"""

import sys
import time
from collections.abc import Sequence
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import machine
from benchmarks.report import Report, arguments, table
from benchmarks.service import EPOCHS, HEAVY, HEAVY_BATCHES, HEAVY_SAMPLES, LOCAL, REPEATS, alone, spread
from core.data import load
from core.process import prepare_to_compute
from core.rounds import State
from core.spec import JobSpec
from core.store import pack, unpack
from core.training import Training, train

PROCESSES = 2


def ratios(spec: dict[str, Any], rounds: dict[str, Any], data_dir: Path) -> list[float]:
    """Samples per second of rounds over pipes, over those of two `core.train` that make as many steps each."""
    training = Training(JobSpec.model_validate({**spec, **rounds}), load("mnist", 28, data_dir, ()))
    pipes = [Pipe() for _ in range(PROCESSES)]
    computing = [Process(target=_compute, args=(training, far), daemon=True) for _, far in pipes]
    for one in computing:
        one.start()
    near = [end for end, _ in pipes]
    _rate(training, near)
    found = [_rate(training, near) / alone(spec, data_dir, PROCESSES, training.total_steps) for _ in range(REPEATS)]
    for one in computing:
        one.terminate()
        one.join()
    return found


def _compute(training: Training, pipe: Connection) -> None:
    prepare_to_compute()
    while True:
        step, units = pipe.recv()
        vector = np.frombuffer(pipe.recv_bytes(), training.dtype)
        pipe.send_bytes(pack(training.rounds.measure(vector, step, units)))


def _rate(training: Training, pipes: Sequence[Connection]) -> float:
    def measure(state: State) -> list[NDArray[Any]]:
        vector = training.rounds.vector(state).tobytes()
        for pipe, units in zip(pipes, training.rounds.shards(state.step, [1.0] * len(pipes)), strict=True):
            pipe.send((state.step, units))
            pipe.send_bytes(vector)
        return [row for pipe in pipes for row in unpack(pipe.recv_bytes())]

    started = time.perf_counter()
    *_, (last, _) = train(training, training.initial(), measure)
    return last.samples_seen / (time.perf_counter() - started)


def main() -> None:
    """Run the jobs of `benchmarks.service` and print the table."""
    options = arguments("barrier", __doc__).parse_args()
    sys.stdout.write(f"{machine()}\n")
    rows = []
    for batch in (64, 256):
        spec, rounds = {**LOCAL, "batch_size": batch, "epochs": EPOCHS[64]}, {"local_steps": 64, "replicas": PROCESSES}
        found = ratios(spec, rounds, options.data_dir)
        rows.append((f"64 local steps, batch {batch}", spread(found)))
    for batch in HEAVY_BATCHES:
        spec, rounds = {**HEAVY, "batch_size": batch}, {"max_steps": HEAVY_SAMPLES // batch}
        rows.append((f"784-100-10 per parameter, batch {batch}", spread(ratios(spec, rounds, options.data_dir))))
    Report("scaling.md", options.write).show("barrier", table(("rounds over pipes", "of two `core.train`"), rows))


if __name__ == "__main__":
    main()
