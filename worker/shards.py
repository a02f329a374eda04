"""One process's part in a round: reads the vector, computes a shard and what else is offered, sends the rows."""

import os
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import structlog

from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import code_version, platform_digest
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import Doing, Exchange, Failure, Round, Rows, ServerAway, Worker, pack
from dualtrain.core.store.broker import ShardTask
from dualtrain.worker.job_cache import Refusal, Trainings, keep

AWAKE_SECONDS = 0.02
"""How long a process waits awake for the next round, and never longer than its last shards took: so at most half of
what it does is waiting, and where rounds are short it sleeps as always."""
CHECK_SECONDS = 1.0
"""How often a process looks whether the round that it computes is over: so a cancelled job frees its workers."""
LIMIT_SECONDS = 300
"""A step takes milliseconds. A process that is at one step of a unit for so long is ended by an
alarm, replaced, and told of as lost. Celery's own limits leave a timer for each task in the parent until its time has
come: 50 MB at full speed."""
PREPARATION_SECONDS = 3600
"""The same for what comes before the first unit: a data set may have to be fetched and read."""
REFUSED_SECONDS = 0.2
"""How long a process that had to refuse a shard stays away from the queue, so that another one can take it."""

log = structlog.get_logger()


class Late(Exception):
    """The round of a task did not come while this process waited for it."""


class Over(Exception):
    """The round of a task is over: it was dismissed, or a later one has begun."""


class Computer:
    """Computes shards. Keeps the newest rounds and trainings, so that a round's vector is read once per process.

    A task may come ahead of its round; then the process waits for it.
    """

    def __init__(
        self, exchange: Exchange, settings: Settings, worker: str, alarm: Callable[[int], object] = signal.alarm
    ) -> None:
        self._exchange = exchange
        self._worker = worker
        self._alarm = alarm
        self._since = now()
        self._trainings = Trainings(exchange, settings, worker)
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._taken: list[tuple[ShardTask, float]] = []  # the shards in hand, each with when it was begun
        self._busy_seconds = 0.0  # for the last task
        self._checked = 0.0  # when it was last looked whether the round is over

    def compute(self, task: ShardTask) -> None:
        """Compute a shard, then others of its round that are offered, and send their rows; a stale task is dropped.

        What goes wrong is sent in the place of rows, for all shards that were taken.
        """
        self._taken = [(task, time.perf_counter())]
        self._alarm(PREPARATION_SECONDS)
        outcome, bodies = self._outcome(task)
        self._alarm(0)
        ends = [*(begun for _, begun in self._taken[1:]), time.perf_counter()]
        sent = [
            Rows(one.step, one.shard, one.shards, outcome, end - begun, self._worker, body)
            for (one, begun), end, body in zip(self._taken, ends, bodies, strict=False)
        ]
        self._busy_seconds = sum(rows.seconds for rows in sent)
        self._taken = []
        if sent:  # the first one last: with its message the task has ended
            self._exchange.send(task.job, task.token, sent[::-1])
        if outcome == Rows.REFUSED:
            time.sleep(REFUSED_SECONDS)

    def _outcome(self, task: ShardTask) -> tuple[int, list[bytes]]:
        """What came of the task, and a body for each shard that was taken; none when the task is stale."""
        try:
            rows = self._rows(task)
            return Rows.DONE, self._bodies(rows) if rows is not None else []
        except Refusal as refusal:
            return Rows.REFUSED, [Failure(refusal.code, str(refusal)).to_bytes()]
        except Over:
            log.info("shard given up: its round is over", job=task.job, step=task.step, shard=task.shard)
            return Rows.DONE, []
        except (Late, *ServerAway) as error:
            return Rows.LEFT, [Failure.of(error).to_bytes()]
        except Exception as error:
            last = self._taken[-1][0]
            log.warning("shard failed", job=last.job, step=last.step, shard=last.shard, exc_info=True)
            return Rows.FAILED, [Failure.of(error).to_bytes()] * len(self._taken)

    def _bodies(self, rows: list[Any]) -> list[bytes]:
        left = iter(rows)
        return [pack(list(islice(left, task.last - task.first))) for task, _ in self._taken]

    def beat_forever(self, seconds: float) -> None:
        """Tell every `seconds` that this process lives; a lost connection is only a beat left out."""
        while True:
            try:
                self._exchange.beat(self._alive())
            except Exception as error:
                log.warning("no heartbeat", error=str(error))
            time.sleep(seconds)

    def _alive(self) -> Worker:
        taken = self._taken
        return Worker(
            id=self._worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._since,
            seen=now(),
            numerics=platform_digest(),
            code=code_version(),
            doing=Doing.of(taken[-1][0]) if taken else None,
        )

    def _rows(self, task: ShardTask) -> list[Any] | None:
        training = self._trainings.of(task)
        round_ = self._round(task, training) if training else None
        if training is None or round_ is None:
            return None
        self._checked = time.monotonic()
        return training.rounds.measure(round_.vector, task.step, self._units(task), partial(self._proceed, task))

    def _proceed(self, task: ShardTask) -> None:
        """Set the alarm for the next part of the work. Raises Over when nobody waits for it any more."""
        self._alarm(LIMIT_SECONDS)
        if time.monotonic() - self._checked > CHECK_SECONDS:
            self._checked = time.monotonic()
            if self._exchange.is_over(task):
                raise Over

    def _units(self, task: ShardTask) -> Iterator[int]:
        """Yield the units of the task, then of each shard that is taken once the one before it is measured."""
        taken: ShardTask | None = task
        while taken is not None:
            for unit in range(taken.first, taken.last):
                self._proceed(task)
                yield unit
            taken = self._exchange.take(task)
            if taken is not None:
                self._taken.append((taken, time.perf_counter()))

    def _round(self, task: ShardTask, training: Training) -> Round | None:
        known = self._rounds.get(task.job)
        if known is None or (known.token, known.step) != (task.token, task.step):
            known = self._read(task, training)
            if known is not None:
                keep(self._rounds, task.job, known)
        return known

    def _read(self, task: ShardTask, training: Training) -> Round | None:
        """Read the task's round; waiting for it is not part of what the shard takes."""
        asked = time.perf_counter()
        try:
            awake = min(AWAKE_SECONDS, self._busy_seconds)
            return self._exchange.read(task, training.dtype, awake_seconds=awake)
        except TimeoutError as error:
            raise Late(str(error)) from error
        finally:
            (_, begun), *_ = self._taken
            self._taken = [(task, begun + time.perf_counter() - asked)]
