"""One round: dispatch its tasks, gather their results, send again what does not come back."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from dualtrain.api.aggregator.control import JobControl, JobFailed
from dualtrain.api.aggregator.dispatch import AWAY, Link
from dualtrain.api.aggregator.recorder import Notices
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import (
    BundleResult,
    RoundMessage,
    RowsMessage,
    Worker,
    unpack,
)
from dualtrain.core.store.broker import Kind, Task

ATTEMPTS = 3
"""How often a task may raise an exception that could pass by itself."""
LOST_PROCESSES = 10
"""How many processes one task may take with it before the job ends."""
PASSING = frozenset({"MemoryError", "OSError", "ConnectionError", "TimeoutError"})
"""Exceptions that another attempt may not meet; all others would come again."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Timeouts:
    """Timeouts of tasks, in seconds."""

    floor: float = 0.25
    """A task is never sent again sooner than this."""
    first: float = 2.0
    """Before any round was measured: a worker may have to load code and data first."""
    longest: float = 5.0
    """The timeout doubles each time it expires, up to this."""
    recheck: float = 0.25
    """How often to check, from heartbeats, whether any worker is still computing the round. The last heartbeat of a
    lost host claims the round until it expires."""
    factor: float = 3.0
    """Median round durations after which a task is late."""
    poll: float = 0.2
    """How often to check whether the job was paused or cancelled."""

    def deadline(self, durations: Collection[float]) -> float:
        """Return the timeout of a round: `factor` times the median of recent `durations`, at least `floor`."""
        return max(self.floor, self.factor * statistics.median(durations)) if durations else self.first


def _evaluation(body: bytes) -> Evaluation:
    return Evaluation.from_document(json.loads(body))


_READ: dict[Kind, Callable[[bytes], Any]] = {
    Kind.SHARD: unpack,
    Kind.BUNDLE: BundleResult.from_bytes,
    Kind.EVALUATION: _evaluation,
}
"""For each kind of task the function that reads its result."""


class Round:
    """The tasks of one round, from when they are first sent until all results are there. Used by one thread."""

    def __init__(
        self,
        link: Link,
        control: JobControl,
        notices: Notices,
        message: RoundMessage,
        tasks: Sequence[Task],
        seconds: float,
        timeouts: Timeouts,
    ) -> None:
        """`seconds` is how long the results may take before tasks are sent again."""
        self._link = link
        self._control = control
        self._notices = notices
        self._message = message
        self._tasks = {task.shard: task for task in tasks}
        self._seconds = seconds
        self._timeouts = timeouts
        self.results: dict[int, Any] = {}
        self.lanes: list[Lane] = []
        self._sent = Counter[int]()
        self._failed = Counter[int]()
        self._lost = Counter[int]()
        self._refusals = 0
        self._published = False
        self._late = 0.0
        self._waited = 0.0  # how long nothing came since tasks were sent
        self._nobody = False  # whether no worker was alive at the last look

    def begin(self) -> None:
        """Send the tasks for the first time; when that cannot be, they are sent by `gather`."""
        self._control.check()
        try:
            self._publish(self._missing())
        except AWAY as error:
            self._pause(error)

    def gather(self, shards: Iterable[int]) -> list[Any]:
        """Return the results of these tasks, however often they have to be sent.

        Raises JobFailed, and what `JobControl.check` raises.
        """
        requested = list(shards)
        while any(shard not in self.results for shard in requested):
            self._control.check()
            try:
                self._turn()
            except AWAY as error:
                self._pause(error)
        return [self.results[shard] for shard in requested]

    def _turn(self) -> None:
        if not self._published:
            self._publish(self._missing())
        wait = min(self._timeouts.poll, max(0.001, self._late - time.monotonic()))
        messages = self._link.exchange.receive(self._control.lease.job_id, self._message.token, wait)
        for rows in messages:
            self._take(rows)
        if not messages and time.monotonic() >= self._late:
            self._overdue()

    def _missing(self) -> list[Task]:
        return [task for shard, task in self._tasks.items() if shard not in self.results]

    def _publish(self, tasks: Sequence[Task]) -> None:
        again = any(self._sent[task.shard] for task in tasks)
        self._link.send(self._control.lease.job_id, self._message, tasks, again=again)
        self._sent.update(task.shard for task in tasks)
        self._published = True
        self._waited = 0.0
        self._wait(self._seconds)

    def _take(self, rows: RowsMessage) -> None:
        if rows.step != self._message.step or rows.shards != len(self._tasks) or rows.shard in self.results:
            return  # a stray of another round, or a duplicate
        handler = _HANDLERS.get(rows.outcome)
        if handler is None or rows.shard not in range(rows.shards):
            log.warning("a result cannot be read", step=rows.step, shard=rows.shard, worker=rows.worker)
            return
        try:
            content = self._read(rows)
        except (ValueError, KeyError, TypeError, IndexError) as error:  # missing: it is sent again when it is overdue
            log.warning("a result cannot be read", step=rows.step, shard=rows.shard, error=str(error))
            return
        handler(self, rows, content)

    def _read(self, rows: RowsMessage) -> Any:
        return _READ[self._tasks[rows.shard].kind](rows.body) if rows.outcome == RowsMessage.DONE else rows.failure

    def _done(self, rows: RowsMessage, result: Any) -> None:
        self.results[rows.shard] = result
        self._refusals = 0
        self.lanes.append(Lane(rows.shard, rows.worker, rows.seconds, self._sent[rows.shard] - 1))
        self._notices.explain(None)

    def _error(self, rows: RowsMessage, failure: Any) -> None:
        self._failed[rows.shard] += 1
        if failure.type not in PASSING or self._failed[rows.shard] >= ATTEMPTS:
            where = f"shard {rows.shard} of step {rows.step} on worker {rows.worker}"
            raise JobFailed("shard_failed", f"{failure.type}: {failure.text} ({where})")
        self._again([self._tasks[rows.shard]], "shard_failed", failure.text)

    def _gone(self, rows: RowsMessage, failure: Any) -> None:
        self._lost[rows.shard] += 1
        if self._lost[rows.shard] >= LOST_PROCESSES:
            where = f"shard {rows.shard} of step {rows.step}"
            text = f"{where} took {LOST_PROCESSES} worker processes with it; the last said: {failure.text}"
            raise JobFailed("shard_kills_worker", text)
        self._again([self._tasks[rows.shard]], "worker_lost", failure.text)

    def _refused(self, rows: RowsMessage, failure: Any) -> None:
        self._refusals += 1
        if self._refusals >= self._link.workers:  # so it is not one host among others
            self._notices.explain(failure.type, failure.text)
        self._publish([self._tasks[rows.shard]])

    def _left(self, rows: RowsMessage, _: Any) -> None:
        self._publish([self._tasks[rows.shard]])

    def _overdue(self) -> None:
        """Send missing tasks again, one for each idle worker, unless a worker is computing the round.

        The timeout doubles.
        """
        workers = self._link.exchange.workers()
        self._link.workers = len(workers)
        if not workers:
            self._notices.explain("waiting_for_workers", "No worker is running; the job goes on when one appears.")
        if any(map(self._is_here, workers)):
            self._wait(min(self._seconds, self._timeouts.recheck))
            return
        self._seconds = max(self._seconds, min(2 * self._seconds, self._timeouts.longest))
        nobody_before, self._nobody = self._nobody, not workers
        if not self._link.exchange.holds(self._control.lease.job_id, self._message.token):
            self._again(self._missing(), "exchange_lost", "the exchange lost the round")
        elif nobody_before and self._nobody:  # what was sent again waits in the queue for the first to come
            self._wait(self._seconds)
        else:
            idle = sum(worker.doing is None for worker in workers)
            self._again(self._missing()[: max(1, idle)], "late", f"nothing came for {self._waited:.2f} s")

    def _is_here(self, worker: Worker) -> bool:
        """Return whether a worker is computing this round, by its heartbeat."""
        doing = worker.doing
        return doing is not None and (doing.job, doing.step) == (self._control.lease.job_id, self._message.step)

    def _wait(self, seconds: float) -> None:
        self._waited += seconds
        self._late = time.monotonic() + seconds

    def _again(self, tasks: Sequence[Task], code: str, text: str) -> None:
        if self._link.workers:
            self._notices.retry(self._message.step, tasks[0].shard, code, text)
        self._publish(tasks)

    def _pause(self, error: Exception) -> None:
        log.warning("a server is away", job=self._control.lease.job_id, error=str(error))
        self._published = False
        time.sleep(self._timeouts.poll)


_HANDLERS: dict[int, Callable[[Round, RowsMessage, Any], None]] = {
    RowsMessage.DONE: Round._done,
    RowsMessage.FAILED: Round._error,
    RowsMessage.LOST: Round._gone,
    RowsMessage.REFUSED: Round._refused,
    RowsMessage.LEFT: Round._left,
}
"""Handlers of messages by outcome."""
