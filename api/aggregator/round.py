"""One round: dispatch its shards, gather the set of them, send again what does not come back."""

import statistics
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import structlog
from numpy.typing import NDArray

from dualtrain.api.aggregator.briefing import Briefing
from dualtrain.api.aggregator.dispatch import AWAY
from dualtrain.api.aggregator.ends import JobFailed
from dualtrain.api.aggregator.plans import Plans
from dualtrain.api.aggregator.watcher import Watcher
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import Exchange, Round, Rows, unpack

FLOOR_SECONDS = 0.25
"""A shard is never sent again sooner than this."""
FIRST_SECONDS = 2.0
"""The deadline before any round was measured: a worker may have to load code and data first."""
LONGEST_SECONDS = 5.0
"""The deadline doubles with each time in vain, up to this."""
LOOK_SECONDS = 0.25
"""The longest time between two looks at whether a worker is still at the round, as its heartbeat says. That of one that
was lost with its host says so until it expires."""
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

log = structlog.get_logger()


def deadline_seconds(durations: Collection[float]) -> float:
    """Return how long a shard may take after rounds that took so long: some medians, never under the floor."""
    return max(FLOOR_SECONDS, FACTOR * statistics.median(durations)) if durations else FIRST_SECONDS


@dataclass
class Gathering:
    """The shards of one round, from when they are first sent until the rows of all are there."""

    plans: Plans
    briefing: Briefing
    exchange: Exchange
    watcher: Watcher
    round_: Round
    next_step: int
    lanes: list[Lane] = field(default_factory=list)
    _found: dict[int, list[NDArray[Any]]] = field(default_factory=dict)
    _out: set[int] = field(default_factory=set)  # those whose task nobody has answered
    _sent: Counter[int] = field(default_factory=Counter)
    _failed: Counter[int] = field(default_factory=Counter)
    _lost: Counter[int] = field(default_factory=Counter)
    _refusals: int = 0
    _offered: int = 0
    _waited: float = 0.0  # how long nothing may have come, when it is late, since shards were sent
    _late: float = 0.0
    _nobody: bool = False  # whether no worker was alive at the last look
    _published: bool = False

    def __post_init__(self) -> None:
        self._plan = self.plans.of(self.round_.step)
        self._sent_ahead = self.plans.sent(self._plan)
        self._patience = deadline_seconds(self.plans.durations)

    def begin(self) -> None:
        """Send the round for the first time; when that cannot be, it is sent by `gather`."""
        self.watcher.check()
        try:
            self._publish(self._missing(), self._plan.tasks)
        except AWAY as error:
            self._away(error)

    def gather(self) -> dict[int, list[NDArray[Any]]]:
        """Return the rows of each shard, however often it has to be sent. Raises JobFailed, and what `check` raises."""
        while len(self._found) < len(self._plan.shards):
            self.watcher.check()
            try:
                self._turn()
            except AWAY as error:
                self._away(error)
        return self._found

    def _turn(self) -> None:
        if not self._published:
            self._publish(self._missing(), self._plan.tasks)
        wait = min(POLL_SECONDS, max(0.001, self._late - time.monotonic()))
        rows = self.exchange.receive(self.plans.lease.job_id, self.round_.token, wait)
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
        self.briefing.tell(anew=any(self._sent[shard] for shard in shards))
        self._offered = max(self._offered, len(shards) - tasks)
        wanted = [self._plan.task(shard, self._offered) for shard in shards]
        queued = [] if self._sent_ahead and not self._sent else wanted[:tasks]
        send = self.plans.again if self._sent else self.plans.begin
        send(self.round_, queued, wanted[tasks:], self.next_step)
        self._sent.update(shards)
        self._out.update(shards[:tasks])
        self._published = True
        self._waited = 0.0
        self._wait(self._patience)

    def _take(self, rows: Rows) -> None:
        if rows.step == self.next_step:
            self.plans.counted_on = False  # a task of it came to nothing, so they are sent anew when it begins
        if rows.step != self.round_.step or rows.shards != len(self._plan.shards):
            return  # a stray of another round
        if rows.shard not in range(rows.shards) or rows.outcome not in Rows.OUTCOMES or not _is_whole(rows):
            log.warning("rows of a shard cannot be read", step=rows.step, shard=rows.shard, worker=rows.worker)
            return  # the shard counts as missing, and is sent again when it is overdue
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
        self._refusals = 0
        self.lanes.append(Lane(rows.shard, rows.worker, rows.seconds, self._sent[rows.shard] - 1))
        self.watcher.working()

    def _error(self, rows: Rows) -> None:
        self._failed[rows.shard] += 1
        failure = rows.failure
        if failure.type not in PASSING or self._failed[rows.shard] >= ATTEMPTS:
            where = f"shard {rows.shard} of step {rows.step} on worker {rows.worker}"
            raise JobFailed("shard_failed", f"{failure.type}: {failure.text} ({where})")
        self._again([rows.shard], "shard_failed", failure.text)

    def _gone(self, rows: Rows) -> None:
        self._lost[rows.shard] += 1
        if self._lost[rows.shard] >= LOST_PROCESSES:
            where = f"shard {rows.shard} of step {rows.step}"
            text = f"{where} took {LOST_PROCESSES} worker processes with it; the last said: {rows.failure.text}"
            raise JobFailed("shard_kills_worker", text)
        self._again([rows.shard], "worker_lost", rows.failure.text)

    def _refused(self, rows: Rows) -> None:
        self._refusals += 1
        if self._refusals >= self.plans.workers:  # so it is not one host among others
            self.watcher.refused(rows.failure)
        self._publish([rows.shard], 1)

    def _left(self, rows: Rows) -> None:
        self._publish([rows.shard], 1)

    def _overdue(self) -> None:
        """Send again what is missing, unless somebody is at it: one backup at a time, with doubling patience."""
        workers = self.exchange.workers()
        self.plans.workers = len(workers)
        if not workers:
            self.watcher.waiting()
        here = (self.plans.lease.job_id, self.round_.step)
        if any((doing.job, doing.step) == here for worker in workers if (doing := worker.doing)):
            self._wait(min(self._patience, LOOK_SECONDS))
            return
        self._patience = max(self._patience, min(2 * self._patience, LONGEST_SECONDS))
        nobody_before, self._nobody = self._nobody, not workers
        if nobody_before and self._nobody:  # what was sent again waits in the queue for the first to come
            self._wait(self._patience)
        else:
            self._again(self._missing(), "late", f"nothing came for {self._waited:.2f} s")

    def _wait(self, seconds: float) -> None:
        self._waited += seconds
        self._late = time.monotonic() + seconds

    def _again(self, shards: list[int], code: str, text: str) -> None:
        if self.plans.workers:
            self.watcher.sent_again(self.round_.step, shards[0], code, text)
        self._publish(shards, 1)

    def _away(self, error: Exception) -> None:
        log.warning("a server is away", job=self.plans.lease.job_id, error=str(error))
        self._published = self._sent_ahead = False
        time.sleep(POLL_SECONDS)


def _is_whole(rows: Rows) -> bool:
    """Return whether the body of a message can be read: packed rows, or a failure."""
    try:
        unpack(rows.body) if rows.outcome == Rows.DONE else rows.failure
    except (ValueError, KeyError, TypeError, IndexError):
        return False
    return True
