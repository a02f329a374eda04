"""`python -m tests.chaos.driver --seed 1 --faults 100`: strikes a running stack, then compares with a quiet run."""

import argparse
import json
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from tests.chaos.cases import CASES, End, quiet_ends, spec
from tests.chaos.faults import FAULTS, Undo, choose
from tests.chaos.feeder import Feeder
from tests.chaos.oracle import faults_of_jobs, faults_of_what_is_left
from tests.chaos.stack import Stack, answers
from tests.waiting import until

ACTIVE_JOBS = 4
"""At any time. A job that is alone is gone about in another way: its rounds are sent ahead."""
PAUSE_SECONDS = (0.05, 0.8)
"""Between two faults; the second may find the stack still busy with the first."""
FIRST_ROUND_SECONDS = 60.0
"""How long the first job may take to have a round in flight, on a machine that is busy with other tests."""
END_SECONDS = 240.0
"""How long all jobs may take to end after the last fault."""

log = structlog.get_logger()


@dataclass
class Result:
    """What a run did, and what was wrong after it. `hits`: faults that struck while a round was in flight."""

    seed: int
    faults: int = 0
    hits: int = 0
    jobs: int = 0
    retries: int = 0
    takeovers: int = 0
    seconds: float = 0.0
    store_bytes: tuple[int, int] = (0, 0)
    by_fault: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def drawn(seed: int, count: int, only: str = "") -> list[str]:
    """Return the names of `count` faults in the order that a seed gives them, likely ones more often."""
    names = [name for name in FAULTS if only in name]
    return random.Random(seed).choices(names, [FAULTS[name].weight for name in names], k=count)


def run(
    seed: int,
    faults: Sequence[str],
    data_dir: Path,
    cases: tuple[str, ...] = tuple(CASES),
    active: int = ACTIVE_JOBS,
) -> Result:
    """Start a stack, strike it with the faults named, wait for its jobs, compare with the quiet run, end it."""
    started, result = time.monotonic(), Result(seed)
    ends = quiet_ends(data_dir, seed % 5, cases)
    stack = Stack(data_dir)
    try:
        stack.wait_until_ready()
        before = stack.store.info("memory")["used_memory"]
        feeder = Feeder(stack.urls, stack.jobs, {case: spec(case, seed % 5) for case in cases}, active, seed)
        until(stack.gathering, FIRST_ROUND_SECONDS, "the first round")
        _strike(stack, random.Random(seed), faults, result)
        feeder.stop()
        until(lambda: answers(stack.store) and answers(stack.exchange), END_SECONDS, "the servers")
        _judge(stack, feeder, ends, result)
        result.store_bytes = (before, stack.store.info("memory")["used_memory"])
    finally:
        result.wrong += [f"left behind: {command}" for command in stack.end()]
    if not result.wrong:
        shutil.rmtree(stack.folder)  # else its logs are wanted
    result.seconds = round(time.monotonic() - started, 1)
    return result


def _strike(stack: Stack, chance: random.Random, faults: Sequence[str], result: Result) -> None:
    pending: list[tuple[float, Undo]] = []
    for name in faults:
        victim, hit = choose(stack, FAULTS[name], chance)
        log.warning("fault", name=name, victim=str(victim)[:60], hit=hit)
        undo = FAULTS[name].strike(stack, victim) if victim is not None else None
        result.faults, result.hits = result.faults + 1, result.hits + hit
        result.by_fault[name] = result.by_fault.get(name, 0) + 1
        if undo:
            pending.append((time.monotonic() + chance.uniform(*FAULTS[name].lasts), undo))
        _sleep(chance.uniform(*PAUSE_SECONDS), pending)
    while pending:
        _sleep(0.1, pending)


def _sleep(seconds: float, pending: list[tuple[float, Undo]]) -> None:
    """Wait, and meanwhile undo what is due. What cannot be undone while a server is away is tried again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for due in [one for one in pending if one[0] <= time.monotonic()]:
            with suppress(RedisError):
                due[1]()
                pending.remove(due)
        time.sleep(0.01)


def _judge(stack: Stack, feeder: Feeder, ends: Mapping[str, End], result: Result) -> None:
    result.jobs = len(feeder.accepted)
    try:
        until(lambda: _quietly(feeder.going) == [], END_SECONDS, "all jobs at their end")
    except TimeoutError:
        result.wrong += [f"did not end: {stack.jobs.get(job_id).model_dump_json()}" for job_id in feeder.going()]
    result.wrong += faults_of_jobs(stack, feeder.accepted, ends)
    jobs = stack.jobs.several(feeder.accepted)
    result.retries = sum(job.retries for job in jobs)
    result.takeovers = sum(int(stack.store.get(f"dualtrain:token:{job.id}") or 1) - 1 for job in jobs)
    result.wrong += faults_of_what_is_left(stack, feeder.accepted)


def _quietly(ask: Callable[[], list[str]]) -> list[str] | None:
    with suppress(RedisError):
        return ask()
    return None


def main() -> None:
    """Run as the command line says; the last line is the result as JSON. Exit code 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.driver", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    parser.add_argument("--jobs", type=int, default=ACTIVE_JOBS, help="at any time")
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "dualtrain-chaos-data")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    faults = drawn(options.seed, options.faults, options.only)
    result = run(options.seed, faults, options.data_dir, active=options.jobs)
    for wrong in result.wrong:
        sys.stdout.write(f"WRONG: {wrong}\n")
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    sys.exit(bool(result.wrong))


if __name__ == "__main__":
    main()
