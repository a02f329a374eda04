"""`python -m tests.chaos.recovery`: how long the service takes to go on after each kind of death, as a table."""

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from dualtrain.core.store import keys, replay
from tests.chaos.faults import computing_processes, gathering_replicas, kill_aggregator, kill_process, kill_program
from tests.chaos.feeder import post
from tests.chaos.stack import Stack, answers
from tests.waiting import until

SPEC = {
    "gradient": {"method": "per-parameter"},
    "dataset": {"image_size": 28},
    "network": {"layers": [{"units": 100}, {"units": 10, "activation": "softmax"}]},
    "batch_size": 512,
    "epochs": 1000,
    "shards": 4,
}
"""Shards of some 100 ms, so that a process is struck in the middle of one."""


def worker_process(stack: Stack, job: str) -> float:
    """Seconds from the death of a computing process to the retry of its shard."""
    return _until_retry(stack, job, lambda: kill_process(stack, _first(stack, computing_processes)))


def worker(stack: Stack, job: str) -> float:
    """Seconds from the death of a worker with all its processes to the retry of a shard."""
    name = stack.workers[0]
    _first(stack, lambda s: computing_processes(s) if any(p in computing_processes(s) for p in s.pool(name)) else [])
    return _until_retry(stack, job, lambda: kill_program(stack, name))


def aggregator(stack: Stack, job: str) -> float:
    """Seconds from the death of the job's aggregator to a round under the next token."""
    return _until_next_round(stack, job, lambda: kill_aggregator(stack, _first(stack, gathering_replicas)))


def api(stack: Stack, job: str) -> float:
    """Seconds from the death of the job's API replica, aggregator included, to a round under the next token."""
    return _until_next_round(stack, job, lambda: kill_program(stack, _first(stack, gathering_replicas)))


def store(stack: Stack, job: str) -> float:
    """Seconds from the store's first answer after its death to the next progress that it is told of."""
    last = replay(stack.store, job)[0][-1].id
    kill_program(stack, "store")
    until(lambda: answers(stack.store), 60, "store")
    started = time.perf_counter()
    until(lambda: replay(stack.store, job, last)[0], 60, "the next event")
    return time.perf_counter() - started


def exchange(stack: Stack, job: str) -> float:
    """Seconds from the exchange's first answer after its death, empty, to the next round."""
    kill_program(stack, "exchange")
    until(lambda: answers(stack.exchange), 60, "exchange")
    started = time.perf_counter()
    _wait_for_another_round(stack, job, (0, 0))
    return time.perf_counter() - started


DEATHS: dict[str, tuple[Callable[[Stack, str], float], float]] = {
    "worker process": (worker_process, 2.0),
    "worker": (worker, 2.0),
    "aggregator": (aggregator, 10.0),
    "API": (api, 10.0),
    "store": (store, 5.0),
    "exchange": (exchange, 5.0),
}
"""What dies, how its recovery is measured, and the target in seconds."""


def measure(data_dir: Path, times: int) -> dict[str, list[float]]:
    """Return the seconds of each recovery, `times` each, in one stack with one job."""
    stack = Stack(data_dir)
    try:
        stack.wait_until_ready()
        job = post(stack.urls, SPEC, 60, random.Random(0))
        return {name: [_once(stack, job, recover) for _ in range(times)] for name, (recover, _) in DEATHS.items()}
    finally:
        stack.end()


def _once(stack: Stack, job: str, recover: Callable[[Stack, str], float]) -> float:
    _wait_for_rounds(stack, job, 5)
    stack.wait_until_ready()
    return recover(stack, job)


def _first(stack: Stack, aim: Callable[[Stack], list[Any]]) -> Any:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := aim(stack):
            return found[0]
    raise TimeoutError("nothing was in flight for 30 s")


def _round(stack: Stack, job: str) -> tuple[int, int]:
    """The token and step of the job's present round; (0, 0) when there is none to be read."""
    try:
        token = int(stack.store.get(keys.token(job)) or 0)
        first = stack.exchange.xrange(keys.round_(job, token), count=1)
    except RedisError:
        return 0, 0
    return (token, int(first[0][0].partition(b"-")[0])) if first else (0, 0)


def _wait_for_rounds(stack: Stack, job: str, count: int) -> None:
    for _ in range(count):
        _wait_for_another_round(stack, job, _round(stack, job))


def _wait_for_another_round(stack: Stack, job: str, before: tuple[int, int]) -> None:
    until(lambda: _round(stack, job) not in (before, (0, 0)), 60, "another round")


def _until_retry(stack: Stack, job: str, strike: Callable[[], None]) -> float:
    """Seconds from a strike to the retry it causes; again when it met no shard, so that the rounds just went on."""
    for _ in range(10):
        if seconds := _retry_seconds(stack, job, strike):
            return seconds
        stack.wait_until_ready()
    raise TimeoutError("ten strikes met no shard")


def _retry_seconds(stack: Stack, job: str, strike: Callable[[], None]) -> float | None:
    last, (_, step) = replay(stack.store, job)[0][-1].id, _round(stack, job)
    strike()
    started = time.perf_counter()

    def retried() -> bool:
        return any(event.type == "retry" for event in replay(stack.store, job, last)[0])

    until(lambda: retried() or _round(stack, job)[1] > step + 3, 60, "a retry")
    return time.perf_counter() - started if retried() else None


def _until_next_round(stack: Stack, job: str, strike: Callable[[], None]) -> float:
    token, _ = _round(stack, job)
    strike()
    started = time.perf_counter()
    until(lambda: _round(stack, job)[0] > token, 60, "a round of the next aggregator")
    return time.perf_counter() - started


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.recovery", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "dualtrain-chaos-data")
    options = parser.parse_args()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    found = measure(options.data_dir, options.times)
    for name, seconds in found.items():
        middle, worst = statistics.median(seconds), max(seconds)
        sys.stdout.write(f"{name:16} median {middle:6.2f} s  worst {worst:6.2f} s  target {DEATHS[name][1]:.0f} s\n")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
