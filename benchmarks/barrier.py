"""What a round's barrier costs by itself, between two processes that share memory: `python -m benchmarks.barrier`.

No queue, no server, nothing between them: each leaves its rows to the other, waits awake for the other's and makes the
step itself. Beside two concurrent `core.train`, in turns, like `benchmarks.service`: what is lost here no service can
win back.
"""

import ctypes
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import machine
from benchmarks.report import Report, arguments, table
from benchmarks.service import EPOCHS, HEAVY, HEAVY_BATCHES, HEAVY_SAMPLES, LOCAL, REPEATS, alone, spread
from dualtrain.core.data import load
from dualtrain.core.loop import Training
from dualtrain.core.rounds import State
from dualtrain.core.runtime.process import die_with_parent, prepare_to_compute
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import pack, unpack

PROCESSES = 2
ROOM_BYTES = 16_000_000


@dataclass(frozen=True)
class Desk:
    """Where a process leaves the rows of a round: the round's number, their length, their bytes."""

    head: NDArray[np.int64]
    body: NDArray[np.uint8]

    @classmethod
    def shared(cls) -> "Desk":
        """Return a desk that forked processes see."""
        memory = np.frombuffer(memoryview(RawArray(ctypes.c_uint8, 64 + ROOM_BYTES)), np.uint8)
        return cls(memory[:16].view(np.int64), memory[64:])

    def leave(self, number: int, rows: bytes) -> None:
        """Leave the rows of a round; its number is written last."""
        self.body[: len(rows)] = np.frombuffer(rows, np.uint8)
        self.head[1] = len(rows)
        self.head[0] = number

    def take(self, number: int) -> list[NDArray[Any]]:
        """Wait awake for the rows of a round, return them."""
        while self.head[0] != number:
            pass
        return unpack(self.body[: self.head[1]].tobytes())


Desks = Sequence[Sequence[Desk]]
"""For even rounds and for odd, as a process may leave rows before the other took the last ones; one a process."""


def ratios(spec: dict[str, Any], rounds: dict[str, Any], data_dir: Path) -> list[float]:
    """Samples per second of two processes that meet, over those of two `core.train` that make as many steps each."""
    training = Training(JobSpec.model_validate({**spec, **rounds}), load("mnist", 28, data_dir, ()))
    with _computing(training) as pipes:
        _rate(pipes)
        return [_rate(pipes) / alone(spec, data_dir, PROCESSES, training.total_steps) for _ in range(REPEATS)]


@contextmanager
def _computing(training: Training) -> Iterator[list[Connection]]:
    desks = [[Desk.shared() for _ in range(PROCESSES)] for _ in range(2)]
    pipes = [Pipe() for _ in range(PROCESSES)]
    processes = [
        Process(target=_compute, args=(training, desks, rank, far), daemon=True) for rank, (_, far) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    yield [near for near, _ in pipes]
    for process in processes:
        process.terminate()
        process.join()


def _rate(pipes: Sequence[Connection]) -> float:
    for pipe in pipes:
        pipe.send(True)
    return min(float(pipe.recv()) for pipe in pipes)


def _compute(training: Training, desks: Desks, rank: int, pipe: Connection) -> None:
    die_with_parent()
    prepare_to_compute()
    numbers = count(1)

    def measure(state: State) -> list[NDArray[Any]]:
        number, shards = next(numbers), training.rounds.shards(state.step, [1.0] * PROCESSES)
        desk = desks[number % 2]
        desk[rank].leave(number, pack(training.rounds.measure(training.rounds.vector(state), state.step, shards[rank])))
        return [row for one in desk for row in one.take(number)]

    while pipe.recv():
        started = time.perf_counter()
        state = training.initial()
        while state.step < training.total_steps:
            state = training.rounds.advance(state, measure(state))
        pipe.send(state.samples_seen / (time.perf_counter() - started))


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
    Report("scaling.md", options.write).show("barrier", table(("two processes that meet", "of two `core.train`"), rows))


if __name__ == "__main__":
    main()
