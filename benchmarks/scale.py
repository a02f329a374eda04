"""The real aggregator and servers against many simulated workers: `python -m benchmarks.scale`.

A simulated worker takes Celery's messages off the queue, reads the round's parameters, sleeps for a drawn compute time
and sends rows of the right sizes, all zero. It speaks to Redis through bare sockets and costs this machine almost
nothing, so that up to 256 of them fit on it.
"""

import asyncio
import base64
import json
import os
import random
import selectors
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import hiredis
import numpy as np
import psutil

from benchmarks.harness import Plant, plant, process, wait_until
from benchmarks.measure import machine
from benchmarks.report import Report, arguments, seconds, table
from benchmarks.service import running_seconds
from dualtrain.core.data import load
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import code_version, platform_digest
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Exchange, RowsMessage, Worker, connect, keys, pack
from dualtrain.core.store.broker import QUEUE, Kind, Task

SPEC = {
    "network": {"layers": [{"units": 64}, {"units": 64}, {"units": 10, "activation": "softmax"}]},
    "evaluate_every": 1_000_000,
}
"""14,090 parameters in 295 blocks: enough for 256 shards."""
SHARD_SECONDS = 0.05
SPREADS = (0.0, 0.1)
"""Relative standard deviations of a shard's time."""
WORKERS = (1, 4, 16, 64, 128, 256)
BEAT_SECONDS = 1.0
PER_PROCESS = 32
"""Simulated workers on one event loop."""
ROUNDS = 200


NOTHING_RIGHT = json.dumps(Evaluation(0, 0.0, None, np.zeros((10, 10), np.int64)).document()).encode()
"""The result of an evaluation."""


class Simulated(asyncio.Protocol):
    """A worker: takes a task, reads its round, waits until the shard would be computed, sends rows of zeros."""

    WAIT = ("BRPOP", keys.CELERY + QUEUE, 0)

    def __init__(self, name: str, spread: float, zeros: Sequence[np.ndarray]) -> None:
        self._name, self._spread, self._zeros = name, spread, zeros
        self._chance, self._loop = random.Random(name), asyncio.get_running_loop()
        self._answers, self._next = hiredis.Reader(), self._take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask(self.WAIT)

    def data_received(self, data: bytes) -> None:
        self._answers.feed(data)
        while (answer := self._answers.gets()) is not False:
            self._next(answer)

    def _ask(self, *commands: tuple[Any, ...]) -> None:
        self._transport.write(b"".join(map(hiredis.pack_command, commands)))

    def _take(self, answer: Any) -> None:
        arguments, *_ = json.loads(base64.b64decode(json.loads(answer[1])["body"]))
        self._task, self._next = Task.parse(arguments), self._read
        self._begun = self._loop.time()
        self._ask(("GET", keys.round_(self._task.job, self._task.token)))

    def _read(self, answer: Any) -> None:
        task, took = self._task, max(0.0, self._chance.gauss(SHARD_SECONDS, self._spread * SHARD_SECONDS))
        body = pack(self._zeros[task.first : task.last]) if task.kind is Kind.SHARD else NOTHING_RIGHT
        rows = RowsMessage(task.step, task.shard, task.shards, RowsMessage.DONE, took, self._name, body).to_bytes()
        self._loop.call_at(self._begun + took, self._send, ("RPUSH", keys.rows(task.job, task.token), rows))

    def _send(self, push: tuple[Any, ...]) -> None:
        self._next = self._pushed
        self._ask(push, self.WAIT)

    def _pushed(self, answer: Any) -> None:
        self._next = self._take


async def simulate(settings: Settings, spread: float, names: Sequence[str]) -> None:
    """Be these workers until cancelled."""
    path = settings.exchange_url.removeprefix("unix://").partition("?")[0]
    spec = JobSpec.model_validate(SPEC)
    training = Training(spec, load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, ()))
    state = training.initial()
    sizes = [row.size for row in training.rounds.measure(state.parameters, 0, range(training.rounds.units(0)))]
    zeros = [np.zeros(size, training.dtype) for size in sizes]
    loop = asyncio.get_running_loop()
    for name in names:
        await loop.create_unix_connection(partial(Simulated, name, spread, zeros), path)
    told = {"numerics": platform_digest(), "code": code_version(), "since": now(), "seen": now(), "doing": None}
    workers = [Worker(id=name, host="simulated", pid=os.getpid(), **told) for name in names]
    with connect(settings.exchange_url).pipeline(transaction=False) as pipe:
        while True:
            for worker in workers:
                Exchange(pipe).beat(worker)
            pipe.execute()
            await asyncio.sleep(BEAT_SECONDS)


def precise_loop() -> asyncio.AbstractEventLoop:
    """A loop that wakes up in time: one on epoll rounds up to milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def measure(data_dir: Path) -> str:
    """Return efficiency against the number of workers: the mean time of a shard over that of a round."""
    rows = []
    for workers in WORKERS:
        cells = [f"{workers}"]
        for spread in SPREADS:
            took, share = _round(data_dir, workers, spread)
            cells += [seconds(took), f"{SHARD_SECONDS / took:.2f}", f"{share:.0%}"]
        rows.append((*cells, f"{_barrier(workers, SPREADS[-1]):.2f}"))
        sys.stderr.write(" ".join(rows[-1]) + "\n")
    columns = [f"{what}, ±{spread:.0%}" for spread in SPREADS for what in ("a round", "efficiency", "aggregator's CPU")]
    return table(("workers", *columns, f"most at ±{SPREADS[-1]:.0%}"), rows)


def _round(data_dir: Path, workers: int, spread: float) -> tuple[float, float]:
    """Seconds of a round, and the share of a core that the aggregator takes."""
    with plant(0, data_dir) as service, _simulated(workers, spread, service):
        aggregator = _aggregator()
        service.finish(service.submit(**SPEC, shards=workers, max_steps=2))
        before, started = _cpu_seconds(aggregator), time.perf_counter()
        job = service.finish(service.submit(**SPEC, shards=workers, max_steps=ROUNDS))
        share = (_cpu_seconds(aggregator) - before) / (time.perf_counter() - started)
    return running_seconds(job) / ROUNDS, share


def _barrier(workers: int, spread: float) -> float:
    """The efficiency of a round that costs nothing but waiting for the slowest of its shards."""
    chance = random.Random(0)
    slowest = (max(chance.gauss(1.0, spread) for _ in range(workers)) for _ in range(1000))
    return 1 / statistics.fmean(slowest)


@contextmanager
def _simulated(workers: int, spread: float, service: Plant) -> Iterator[None]:
    names = [f"simulated-{i}" for i in range(workers)]
    with ExitStack() as stack:
        for start in range(0, workers, PER_PROCESS):
            command = ("benchmarks.scale", "--spread", f"{spread}", "--simulate", *names[start : start + PER_PROCESS])
            stack.enter_context(process(command, service.settings, service.folder / f"simulated-{start}.log"))
        wait_until(lambda: service.exchange.count_workers() == workers)
        yield


def _aggregator() -> psutil.Process:
    """This benchmark's aggregator."""
    return next(child for child in psutil.Process().children() if "dualtrain.api.aggregator" in child.cmdline())


def _cpu_seconds(running: psutil.Process) -> float:
    times = running.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure, or be simulated workers."""
    parser = arguments("scale", __doc__)
    parser.add_argument("--simulate", nargs="*", metavar="NAME", help="be these workers")
    parser.add_argument("--spread", type=float, default=0.0, help="of their compute times")
    options = parser.parse_args()
    if options.simulate:
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            runner.run(simulate(Settings(), options.spread, options.simulate))
        return
    sys.stdout.write(f"{machine()}\n")
    Report("scaling.md", options.write).show("simulated workers", measure(options.data_dir))


if __name__ == "__main__":
    main()
