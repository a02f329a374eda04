"""One round: dispatch its shards, gather the set of them, send again what does not come back."""

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

from api.aggregator.dispatch import Dispatcher
from api.aggregator.planner import Planner, RoundPlan
from api.aggregator.problems import JobFailed
from api.aggregator.report import Lane
from api.aggregator.saved import Origin
from core.rounds import State
from core.store import AWAIT_SECONDS, Exchange, Lease, Round, Rows, ServerAway, unpack
from core.store.broker import ShardTask
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
SHORT_SECONDS = AWAIT_SECONDS / 2
"""Rounds up to this long are sent ahead: a process that is done with one may wait for the next."""
AHEAD_TASKS = 8
"""Rounds of more tasks are not sent ahead: it saves the way of one, and many that begin at once crowd the exchange."""
AWAY = (*ServerAway, OperationalError, OSError)


@dataclass
class Gatherer:
    """Makes a job's rounds with the workers. `check` raises when the job must stop; `tell` hears how it goes.

    `alone` says whether no other job wants the workers, so that processes may wait for this one.
    """

    lease: Lease
    training: Training
    spec: dict[str, Any]
    origin: Origin
    exchange: Exchange
    dispatcher: Dispatcher
    planner: Planner
    check: Callable[[], None]
    tell: Callable[[str, dict[str, Any]], None]
    alone: Callable[[], bool]
    lanes: list[Lane] = field(default_factory=list)
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=31))
    workers: int = 1
    ahead: RoundPlan | None = None
    """The newest plan that was made before its round. It stays: of what was sent, void tasks may be computed yet."""
    counted_on: bool = False
    """Whether the tasks of `ahead` are on their way or wait for their round, as far as is known."""
    briefed: bool = False
    pending: deque[Callable[[], None]] = field(default_factory=deque)
    """What is to be told of the rounds so far: done while the workers compute the next one."""

    def measure(self, state: State) -> list[NDArray[Any]]:
        """Return the rows of all units of the round that begins at `state`, in order."""
        started = time.perf_counter()
        gathering = _Gathering(self, state)
        gathering.begin()
        self.settle()
        found = gathering.gather()
        seconds = time.perf_counter() - started
        self.durations.append(seconds)
        self.lanes = gathering.lanes
        self.planner.learn(self.lanes, seconds)
        told = {"seconds": seconds, "shards": [lane.seconds for lane in self.lanes]}
        self.pending.append(partial(self.tell, "round", told))
        return [row for shard in sorted(found) for row in found[shard]]

    def look(self) -> None:
        """Count the workers. While none can be seen, rounds are planned for as many as before."""
        with suppress(*AWAY):
            self.workers = self.exchange.count_workers() or self.workers

    def settle(self) -> None:
        """Do what is pending, in order."""
        while self.pending:
            self.pending.popleft()()

    def plan(self, step: int) -> RoundPlan:
        """Return how the round at `step` is sent: as it was planned ahead, or else anew."""
        if self.ahead is not None and self.ahead.step == step:
            return self.ahead
        rounds = self.training.rounds
        cut = self.planner.cut(rounds.units(step), self.workers)
        return RoundPlan(self.lease, step, rounds.shards(step, cut.shares), cut.tasks)

    def tasks_ahead(self, step: int) -> list[ShardTask]:
        """Return what is sent of the round at `step` before it begins: all that is queued, or nothing."""
        short = self.durations and statistics.median(self.durations) < SHORT_SECONDS
        if not (self.alone() and short and step < self.training.total_steps):
            return []
        self.ahead = self.plan(step)
        return self.ahead.queued() if self.ahead.tasks <= AHEAD_TASKS else []

    def deadline_seconds(self) -> float:
        """Return how long a shard may take: some median rounds, never under the floor."""
        if not self.durations:
            return FIRST_SECONDS
        return max(FLOOR_SECONDS, FACTOR * statistics.median(self.durations))


class _Gathering:
    """The state of one round."""

    def __init__(self, job: Gatherer, state: State) -> None:
        self._job = job
        self._round = Round(job.lease.token, state.step, job.training.rounds.vector(state))
        self._next_step = state.step + job.training.rounds.length(state.step)
        self._plan = job.plan(state.step)
        self._sent_ahead = self._plan is job.ahead and job.counted_on
        self._offered = 0
        self._out: set[int] = set()
        self._found: dict[int, list[NDArray[Any]]] = {}
        self._failed: Counter[int] = Counter()
        self._lost: Counter[int] = Counter()
        self._sent: Counter[int] = Counter()
        self._patience = job.deadline_seconds()
        self._late = 0.0
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

        At first the tasks of the next round go along. When something has to be sent again they are void: who waits for
        the next round is needed in this one.
        """
        job = self._job
        if not job.briefed or any(self._sent[shard] for shard in shards):
            job.exchange.brief(job.lease.job_id, {"spec": job.spec, **asdict(job.origin)})
            job.briefed = True
        self._offered = max(self._offered, len(shards) - tasks)
        wanted = [self._plan.task(shard, self._offered) for shard in shards]
        first = not self._sent
        queued = [] if first and self._sent_ahead else wanted[:tasks]
        ahead = job.tasks_ahead(self._next_step) if first else []
        job.counted_on = bool(ahead)
        withdrawn = None if first else self._next_step
        job.dispatcher.send(job.lease.job_id, self._round, [*queued, *ahead], wanted[tasks:], withdrawn)
        self._sent.update(shards)
        self._out.update(shards[:tasks])
        self._published = True
        self._late = time.monotonic() + self._patience

    def _take(self, rows: Rows) -> None:
        if rows.step == self._next_step:
            self._job.counted_on = False  # a task of it came to nothing, so they are sent anew when it begins
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
        self._found[rows.shard] = unpack(rows.body)
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
        self._job.tell("refused", rows.problem)
        self._again([rows.shard], "refused", rows.problem["text"])

    def _left(self, rows: Rows) -> None:
        self._publish([rows.shard], 1)

    def _overdue(self) -> None:
        """Send again what is missing, unless somebody is at it: one backup at a time, with doubling patience."""
        waited, self._patience = self._patience, min(2 * self._patience, LONGEST_SECONDS)
        workers = self._job.exchange.workers()
        self._job.workers = len(workers)
        if not workers:
            self._job.tell("waiting", {})
        here = (self._job.lease.job_id, self._round.step)
        if any((doing["job"], doing["step"]) == here for worker in workers if (doing := worker["doing"])):
            self._late = time.monotonic() + self._patience
        else:
            self._again(self._missing(), "late", f"nothing came for {waited:.2f} s")

    def _again(self, shards: list[int], code: str, text: str) -> None:
        if self._job.workers:
            self._job.tell("retry", {"step": self._round.step, "shard": shards[0], "code": code, "message": text})
        self._publish(shards, 1)

    def _away(self, error: Exception) -> None:
        structlog.get_logger().warning("exchange or broker is away", job=self._job.lease.job_id, error=str(error))
        self._published = self._sent_ahead = False
        time.sleep(POLL_SECONDS)
