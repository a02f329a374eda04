"""One round: dispatch its shards, gather the set of them, send again what does not come back."""

import math
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import structlog
from kombu.exceptions import OperationalError
from numpy.typing import NDArray

from api.aggregator.plans import Plans
from api.aggregator.problems import JobFailed
from api.aggregator.report import Lane
from api.aggregator.saved import Origin
from core.rounds import State
from core.store import EXPIRES_SECONDS, Exchange, Lease, Round, Rows, ServerAway, unpack
from core.training import Training

FLOOR_SECONDS = 0.25
"""A shard is never sent again sooner than this."""
FIRST_SECONDS = 2.0
"""The deadline before any round was measured: a worker may have to load code and data first."""
LONGEST_SECONDS = 5.0
"""The deadline doubles with each time in vain, up to this."""
FACTOR = 3
"""A shard is late after so many median rounds."""
ATTEMPTS = 3
"""How often a shard may raise an exception that could pass by itself."""
LOST_PROCESSES = 10
"""How many processes one shard may take with it before the job ends."""
PASSING = frozenset({"MemoryError", "OSError", "ConnectionError", "TimeoutError"})
"""Exceptions that another attempt may not meet; all others would come again."""
POLL_SECONDS = 0.2
"""The longest wait between two looks at whether the job was paused or cancelled."""
AWAY = (*ServerAway, OperationalError, OSError)


@dataclass
class Gatherer:
    """Makes a job's rounds with the workers. `check` raises when the job must stop; `tell` hears how it goes."""

    lease: Lease
    training: Training
    spec: dict[str, Any]
    origin: Origin
    exchange: Exchange
    plans: Plans
    check: Callable[[], None]
    tell: Callable[[str, dict[str, Any]], None]
    lanes: list[Lane] = field(default_factory=list)
    briefed_at: float = -math.inf
    pending: deque[Callable[[], None]] = field(default_factory=deque)
    """What is to be told of the rounds so far: done while the workers compute the next one."""

    def measure(self, state: State) -> list[NDArray[Any]]:
        """Return the rows of all units of the round that begins at `state`, in order."""
        started = time.perf_counter()
        gathering = _Gathering(self, state)
        gathering.begin()
        self.settle()
        self.plans.make_ahead(gathering.next_step)  # while the workers compute
        found = gathering.gather()
        seconds = time.perf_counter() - started
        self.plans.durations.append(seconds)
        self.lanes = gathering.lanes
        self.plans.planner.learn(self.lanes, seconds)
        told = {"seconds": seconds, "shards": [lane.seconds for lane in self.lanes]}
        self.pending.append(partial(self.tell, "round", told))
        return [row for shard in sorted(found) for row in found[shard]]

    def look(self) -> None:
        """Count the workers. While none can be seen, rounds are planned for as many as before."""
        with suppress(*AWAY):
            self.plans.workers = self.exchange.count_workers() or self.plans.workers

    def settle(self) -> None:
        """Do what is pending, in order."""
        while self.pending:
            self.pending.popleft()()

    def deadline_seconds(self) -> float:
        """Return how long a shard may take: some median rounds, never under the floor."""
        durations = self.plans.durations
        return max(FLOOR_SECONDS, FACTOR * statistics.median(durations)) if durations else FIRST_SECONDS


class _Gathering:
    """The state of one round."""

    def __init__(self, job: Gatherer, state: State) -> None:
        self._job = job
        self._round = Round(job.lease.token, state.step, job.training.rounds.vector(state))
        self.next_step = state.step + job.training.rounds.length(state.step)
        self._plan = job.plans.of(state.step)
        self._sent_ahead = job.plans.sent(self._plan)
        self._offered = 0
        self._out: set[int] = set()
        self._found: dict[int, list[NDArray[Any]]] = {}
        self._failed: Counter[int] = Counter()
        self._lost: Counter[int] = Counter()
        self._sent: Counter[int] = Counter()
        self._refusals = 0
        self._patience = job.deadline_seconds()
        self._late = 0.0
        self._nobody = False  # whether no worker was alive at the last look
        self._published = False
        self.lanes: list[Lane] = []

    def begin(self) -> None:
        self._job.check()
        try:
            self._publish(self._missing(), self._plan.tasks)
        except AWAY as error:
            self._away(error)

    def gather(self) -> dict[int, list[NDArray[Any]]]:
        while len(self._found) < len(self._plan.shards):
            self._job.check()
            try:
                self._turn()
            except AWAY as error:
                self._away(error)
        return self._found

    def _turn(self) -> None:
        if not self._published:
            self._publish(self._missing(), self._plan.tasks)
        wait = min(POLL_SECONDS, max(0.001, self._late - time.monotonic()))
        rows = self._job.exchange.receive(self._job.lease.job_id, self._job.lease.token, wait)
        for one in rows:
            self._take(one)
        missing = self._missing()
        if missing and not self._out:
            self._again(missing, "worker_lost", "taken by a process that was lost")
        elif not rows and time.monotonic() >= self._late:
            self._overdue()

    def _missing(self) -> list[int]:
        return [shard for shard in range(len(self._plan.shards)) if shard not in self._found]

    def _publish(self, shards: list[int], tasks: int) -> None:
        """Send tasks for the first of these shards, and offer the others to whoever is done.

        At first the tasks of the next round go along.
        """
        job = self._job
        if time.monotonic() - job.briefed_at > EXPIRES_SECONDS / 2 or any(self._sent[shard] for shard in shards):
            job.exchange.brief(job.lease.job_id, {"spec": job.spec, **asdict(job.origin)})
            job.briefed_at = time.monotonic()
        self._offered = max(self._offered, len(shards) - tasks)
        wanted = [self._plan.task(shard, self._offered) for shard in shards]
        queued = [] if self._sent_ahead and not self._sent else wanted[:tasks]
        send = job.plans.again if self._sent else job.plans.begin
        send(self._round, queued, wanted[tasks:], self.next_step)
        self._sent.update(shards)
        self._out.update(shards[:tasks])
        self._published = True
        self._late = time.monotonic() + self._patience

    def _take(self, rows: Rows) -> None:
        if rows.step == self.next_step:
            self._job.plans.counted_on = False  # a task of it came to nothing, so they are sent anew when it begins
        if rows.step != self._round.step or rows.shards != len(self._plan.shards):
            return  # a stray of another round
        self._out.discard(rows.shard)
        if rows.shard in self._found:
            return  # a duplicate
        handlers = {
            Rows.DONE: self._done,
            Rows.FAILED: self._error,
            Rows.LOST: self._gone,
            Rows.REFUSED: self._refused,
            Rows.LEFT: self._left,
        }
        handlers[rows.outcome](rows)

    def _done(self, rows: Rows) -> None:
        self._found[rows.shard], self._refusals = unpack(rows.body), 0
        self.lanes.append(Lane(rows.shard, rows.worker, rows.seconds, self._sent[rows.shard] - 1))
        self._job.tell("working", {})

    def _error(self, rows: Rows) -> None:
        self._failed[rows.shard] += 1
        problem = rows.problem
        if problem["type"] not in PASSING or self._failed[rows.shard] >= ATTEMPTS:
            where = f"shard {rows.shard} of step {rows.step} on worker {rows.worker}"
            raise JobFailed("shard_failed", f"{problem['type']}: {problem['text']} ({where})")
        self._again([rows.shard], "shard_failed", problem["text"])

    def _gone(self, rows: Rows) -> None:
        self._lost[rows.shard] += 1
        if self._lost[rows.shard] >= LOST_PROCESSES:
            where = f"shard {rows.shard} of step {rows.step}"
            text = f"{where} took {LOST_PROCESSES} worker processes with it; the last said: {rows.problem['text']}"
            raise JobFailed("shard_kills_worker", text)
        self._again([rows.shard], "worker_lost", rows.problem["text"])

    def _refused(self, rows: Rows) -> None:
        self._refusals += 1
        if self._refusals >= self._job.plans.workers:  # so it is not one host among others
            self._job.tell("refused", rows.problem)
        self._publish([rows.shard], 1)

    def _left(self, rows: Rows) -> None:
        self._publish([rows.shard], 1)

    def _overdue(self) -> None:
        """Send again what is missing, unless somebody is at it: one backup at a time, with doubling patience."""
        waited, self._patience = self._patience, max(self._patience, min(2 * self._patience, LONGEST_SECONDS))
        workers = self._job.exchange.workers()
        self._job.plans.workers = len(workers)
        if not workers:
            self._job.tell("waiting", {})
        here = (self._job.lease.job_id, self._round.step)
        at_it = any((doing["job"], doing["step"]) == here for worker in workers if (doing := worker["doing"]))
        nobody_before, self._nobody = self._nobody, not workers
        if at_it or (nobody_before and self._nobody):  # what was sent again waits in the queue for the first to come
            self._late = time.monotonic() + self._patience
        else:
            self._again(self._missing(), "late", f"nothing came for {waited:.2f} s")

    def _again(self, shards: list[int], code: str, text: str) -> None:
        if self._job.plans.workers:
            self._job.tell("retry", {"step": self._round.step, "shard": shards[0], "code": code, "message": text})
        self._publish(shards, 1)

    def _away(self, error: Exception) -> None:
        structlog.get_logger().warning("exchange or broker is away", job=self._job.lease.job_id, error=str(error))
        self._published = self._sent_ahead = False
        time.sleep(POLL_SECONDS)
