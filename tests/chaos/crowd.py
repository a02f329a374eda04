"""`python -m tests.chaos.crowd`: 1,000 jobs from 20 clients while workers and API are killed; each ends, none twice."""

import argparse
import json
import logging
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from dualtrain.core.job import ENDED, Status
from dualtrain.core.store import keys
from tests.chaos.faults import kill_aggregator, kill_process, kill_program, pool_processes
from tests.chaos.feeder import post
from tests.chaos.stack import Stack
from tests.waiting import until

SPEC = {"gradient": {"method": "per-neuron"}, "max_steps": 5, "evaluate_every": 1000, "dataset": {"image_size": 12}}
BETWEEN_SECONDS = (0.2, 1.0)
BETWEEN_JOBS = 5
"""Jobs that end, at least, between two deaths."""
END_SECONDS = 1200.0


def run(data_dir: Path, jobs: int, clients: int, seed: int) -> dict[str, Any]:
    """Return what became of the jobs."""
    stack, started, killed = Stack(data_dir), time.monotonic(), Counter[str]()
    try:
        stack.wait_until_ready()
        ending = threading.Event()
        killer = threading.Thread(target=_kill, args=(stack, random.Random(seed), ending, killed), daemon=True)
        killer.start()
        with ThreadPoolExecutor(clients) as pool:
            specs = ({**SPEC, "seed": number, "name": f"client {number % clients}"} for number in range(jobs))
            ids = list(pool.map(lambda spec: post(stack.urls, spec, 300, random.Random(spec["seed"])), specs))
        until(lambda: _ended(stack) >= jobs, END_SECONDS, "all jobs at their end")
        ending.set()
        killer.join()
        statuses = Counter(job.status.value for job in stack.jobs.several(ids))
        starts = [[one.status for one in job.transitions].count(Status.RUNNING) for job in stack.jobs.several(ids)]
        known = stack.store.zcard(keys.JOBS)
    finally:
        left = stack.end()
    return {
        "jobs": jobs,
        "clients": clients,
        "ids": len(set(ids)),
        "in the store": known,
        "statuses": statuses,
        "started more than once": sum(count > 1 for count in starts),
        "killed": killed,
        "left behind": left,
        "seconds": round(time.monotonic() - started, 1),
    }


def _kill(stack: Stack, chance: random.Random, ending: threading.Event, killed: Counter[str]) -> None:
    while not ending.wait(chance.uniform(*BETWEEN_SECONDS)):
        what = chance.choice(("process", "worker", "aggregator", "API"))
        killed[what] += 1
        if what == "process" and (processes := pool_processes(stack)):
            kill_process(stack, chance.choice(processes))
        elif what == "worker":
            kill_program(stack, chance.choice(stack.workers))
        elif what == "aggregator":
            kill_aggregator(stack, chance.choice(stack.replicas))
        elif what == "API":
            kill_program(stack, chance.choice(stack.replicas))
        before = _ended(stack)
        while _ended(stack) < before + BETWEEN_JOBS and not ending.wait(0.1):
            pass  # on a busy machine processes start more slowly than they could be killed


def _ended(stack: Stack) -> int:
    with suppress(RedisError):
        return sum(stack.jobs.count(status) for status in ENDED)
    return 0


def main() -> None:
    """Run and print the result as JSON. Exit code 1 when a job was lost, came twice or did not succeed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crowd", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "dualtrain-chaos-data")
    options = parser.parse_args()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    found = run(options.data_dir, options.jobs, options.clients, options.seed)
    sys.stdout.write(json.dumps(found) + "\n")
    right = found["statuses"] == {"succeeded": options.jobs} and found["in the store"] == found["ids"] == options.jobs
    sys.exit(not right or bool(found["left behind"]))


if __name__ == "__main__":
    main()
