"""`python -m tests.hostile.driver --minutes 60`: attacks a service beside honest jobs, and judges it."""

import argparse
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx2

from tests.hostile.attacks import BY_KEY, WITHOUT_KEY, Attack
from tests.hostile.observer import Observer
from tests.hostile.stack import Stack, running

HOSTILE = ("alice", "carol", "mallory", None, None)
"""Three keys, and two clients without one."""
HONEST = "bob"
SPECS: dict[str, dict[str, Any]] = {
    "default": {"max_steps": 2000, "evaluate_every": 1000},
    "per-neuron": {"epochs": 1, "gradient": {"method": "per-neuron"}, "evaluate_every": 1000},
    "estimated": {"max_steps": 1000, "gradient": {"method": "forward-gradient"}, "evaluate_every": 1000},
}
"""Honest jobs; each ends with the same hash whatever happens beside it."""
P99_SECONDS = 0.5
RSS_BYTES = 700 << 20
SLOWER = 2.0
"""Times as long as in the quiet run that an honest job may take."""
JOB_SECONDS = 1800.0


@dataclass
class Result:
    """What a run showed. `seconds`: of each honest job, quiet and under attack; `peak_bytes`: by role."""

    seed: int
    attacks: dict[str, int] = field(default_factory=dict)
    jobs: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    p99_seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def run(seed: int, minutes: float, folder: Path, only: str = "") -> Result:
    """Run a stack, its honest jobs quietly, then attacks and honest jobs beside each other for so many minutes."""
    result = Result(seed)
    with running(folder, workers=2) as stack:
        quiet = {name: _job(stack, spec) for name, spec in SPECS.items()}
        result.seconds = {name: [round(seconds, 2)] for name, (_, seconds) in quiet.items()}
        end = time.monotonic() + 60 * minutes
        observer = Observer(stack)
        with observer, ProcessPoolExecutor(len(HOSTILE), get_context("spawn"), _stand_behind) as attackers:
            clients = enumerate(HOSTILE)
            running_attacks = [attackers.submit(_attack, stack, name, seed + i, minutes, only) for i, name in clients]
            while time.monotonic() < end:
                _honest(stack, quiet, result)
            counts = sum((attack.result() for attack in running_attacks), Counter[str]())
        result.attacks = dict(counts)
        _judge(observer, result)
    return result


def _stand_behind() -> None:
    """Let a process of attackers compute only when the service does not: real attackers have machines of their own."""
    os.nice(19)


def _attack(stack: Stack, name: str | None, seed: int, minutes: float, only: str) -> Counter[str]:
    """Run attacks in random order for so many minutes; return how often each was run."""
    attacks: list[Attack] = [attack for attack in (BY_KEY if name else WITHOUT_KEY) if only in attack.__name__]
    chance, counts, end = random.Random(seed), Counter[str](), time.monotonic() + 60 * minutes
    while attacks and time.monotonic() < end:
        attack = chance.choice(attacks)
        counts[attack.__name__] += 1
        try:
            attack(stack, name)
        except (httpx2.HTTPError, OSError) as error:
            logging.warning("%s of %s: %r", attack.__name__, name, error)
    return counts


def _honest(stack: Stack, quiet: dict[str, tuple[str, float]], result: Result) -> None:
    """Run each honest job once, and compare it with its quiet run."""
    for name, spec in SPECS.items():
        try:
            sha256, seconds = _job(stack, spec)
        except (httpx2.HTTPError, TimeoutError, KeyError) as error:
            result.wrong.append(f"honest job {name}: {error!r}")
            continue
        result.jobs += 1
        result.seconds[name].append(round(seconds, 2))
        if sha256 != quiet[name][0]:
            result.wrong.append(f"honest job {name} ended with {sha256}, quietly with {quiet[name][0]}")
        if seconds > SLOWER * quiet[name][1] + 1:
            result.wrong.append(f"honest job {name} took {seconds:.1f} s, quietly {quiet[name][1]:.1f} s")


def _job(stack: Stack, spec: dict[str, Any]) -> tuple[str, float]:
    """Run a job; return its hash and how long it took. Raises TimeoutError."""
    started = time.monotonic()
    with stack.client(HONEST) as client:
        url = client.post("/v1/jobs", json=spec).raise_for_status().headers["location"]
        while time.monotonic() - started < JOB_SECONDS:
            job = client.get(url, headers={"Prefer": "wait=20"}).raise_for_status().json()
            if job["status"] in ("succeeded", "failed", "cancelled"):
                return str(job["model"]["sha256"]), time.monotonic() - started
    raise TimeoutError(f"it did not end: {job['status']}, {job['status_reason']}")


def _judge(observer: Observer, result: Result) -> None:
    for path in observer.paths:
        latencies = observer.latencies(path)
        result.p99_seconds[path] = round(latencies.quantile(0.99), 4)
        if result.p99_seconds[path] > P99_SECONDS:
            result.wrong.append(f"p99 of GET {path} was {result.p99_seconds[path]} s")
        result.wrong += [f"GET {path}: {failure}" for failure in latencies.failures[:5]]
    result.peak_bytes = dict(observer.peak_bytes)
    for role in ("api", "aggregator"):
        if result.peak_bytes.get(role, 0) > RSS_BYTES:
            result.wrong.append(f"{role} took {result.peak_bytes[role] >> 20} MiB")
    result.wrong += [f"process {pid} of the service ended" for pid in observer.ended]


def main(say: Callable[[str], object] = sys.stdout.write, arguments: Sequence[str] | None = None) -> None:
    """Run as the command line says; the last line is the result as JSON. Exit code 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.driver", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", default="", help="only attacks whose name contains this")
    options = parser.parse_args(arguments)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="dualtrain-hostile-", ignore_cleanup_errors=True) as folder:
        result = run(options.seed, options.minutes, Path(folder), options.only)
    for wrong in result.wrong:
        say(f"WRONG: {wrong}\n")
    say(json.dumps(asdict(result)) + "\n")
    sys.exit(bool(result.wrong))


if __name__ == "__main__":
    main()
