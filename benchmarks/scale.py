"""The real aggregator and servers against many simulated workers: `python -m benchmarks.scale`.

A simulated worker takes Celery's messages off the queue, sleeps for a drawn compute time and sends rows of the right
sizes, all zero; it costs this machine almost nothing, so that up to 256 of them fit on it.
"""

import argparse
import asyncio
import base64
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
from redis.asyncio import Redis

from benchmarks.measure import machine
from benchmarks.plant import Plant, plant, process, wait_until
from benchmarks.report import insert, seconds, table
from benchmarks.service import running_seconds
from core.data import load
from core.numerics import code_version, platform_digest
from core.settings import Settings
from core.spec import JobSpec
from core.store import Rows, connect_async, keys, pack
from core.store.broker import KEY_PREFIX, QUEUE, ShardTask
from core.training import Training

SPEC = {
    "network": {"layers": [{"units": 64}, {"units": 64}, {"units": 10, "activation": "softmax"}]},
    "evaluate_every": 1_000_000,
}
"""14,090 parameters in 295 blocks: enough for 256 shards."""
SHARD_SECONDS = 0.05
SPREAD = 0.1
"""Relative standard deviation of a shard's time."""
WORKERS = (1, 4, 16, 64, 128, 256)
PER_PROCESS = 32
"""Simulated workers on one event loop; more would wait for each other."""
ROUNDS = 40


async def simulate(settings: Settings, names: Sequence[str]) -> None:
    """Be these workers until cancelled."""
    server = connect_async(settings.exchange_url)
    spec = JobSpec.model_validate(SPEC)
    training = Training(spec, load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, ()))
    state = training.initial()
    sizes = [row.size for row in training.rounds.measure(state.parameters, 0, range(training.rounds.units(0)))]
    zeros = [np.zeros(size, training.dtype) for size in sizes]
    await asyncio.gather(_beat(server, names), *(_work(settings, name, zeros) for name in names))


async def _beat(server: Redis, names: Sequence[str]) -> None:
    told = {"host": "simulated", "numerics": platform_digest(), "code": code_version(), "doing": None}
    while True:
        async with server.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.set(keys.WORKER + name, json.dumps({"id": name, **told}), ex=10)
            await pipe.execute()
        await asyncio.sleep(3)


async def _work(settings: Settings, name: str, zeros: Sequence[np.ndarray]) -> None:
    server, chance = connect_async(settings.exchange_url), random.Random(name)
    while True:
        found = await server.brpop([KEY_PREFIX + QUEUE], timeout=5)
        if not found:
            continue
        arguments, *_ = json.loads(base64.b64decode(json.loads(found[1])["body"]))
        task, took = ShardTask.parse(arguments), max(0.0, chance.gauss(SHARD_SECONDS, SPREAD * SHARD_SECONDS))
        await asyncio.sleep(took)
        body = pack(zeros[task.first : task.last])
        rows = Rows(task.step, task.shard, task.shards, Rows.DONE, took, name, body)
        await server.rpush(keys.rows(task.job, task.token), rows.to_bytes())


def measure(data_dir: Path) -> str:
    """Return efficiency against the number of workers: the mean time of a shard over that of a round."""
    rows = []
    for workers in WORKERS:
        with plant(0, data_dir) as service, _simulated(workers, service):
            aggregator = _aggregator()
            service.finish(service.submit(**SPEC, shards=workers, max_steps=2))
            before, started = _cpu_seconds(aggregator), time.perf_counter()
            job = service.finish(service.submit(**SPEC, shards=workers, max_steps=ROUNDS))
            share = (_cpu_seconds(aggregator) - before) / (time.perf_counter() - started)
        took = running_seconds(job) / ROUNDS
        told = (f"{workers}", seconds(took), f"{SHARD_SECONDS / took:.2f}", f"{workers / took:,.0f}", f"{share:.0%}")
        sys.stderr.write(" ".join(told) + "\n")
        rows.append(told)
    return table(("workers", "a round", "efficiency", "shards/s", "aggregator's CPU"), rows)


@contextmanager
def _simulated(workers: int, service: Plant) -> Iterator[None]:
    names = [f"simulated-{i}" for i in range(workers)]
    with ExitStack() as stack:
        for start in range(0, workers, PER_PROCESS):
            command = ("benchmarks.scale", "--simulate", *names[start : start + PER_PROCESS])
            stack.enter_context(process(command, service.settings, service.folder / f"simulated-{start}.log"))
        wait_until(lambda: len(service.exchange.workers()) == workers)
        yield


def _aggregator() -> psutil.Process:
    """This benchmark's aggregator."""
    return next(child for child in psutil.Process().children() if "api.aggregator" in child.cmdline())


def _cpu_seconds(running: psutil.Process) -> float:
    times = running.cpu_times()
    return float(times.user + times.system)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, or be simulated workers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--simulate", nargs="*", metavar="NAME", help="be these workers")
    parser.add_argument("--write", action="store_true", help="into docs/scaling.md")
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "dualtrain-bench-data")
    options = parser.parse_args(arguments)
    if options.simulate:
        asyncio.run(simulate(Settings(), options.simulate))
        return
    told = measure(options.data_dir)
    sys.stdout.write(f"{machine()}\n\n{told}\n")
    if options.write:
        insert("scaling.md", "simulated workers", told)


if __name__ == "__main__":
    main()
