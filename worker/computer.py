"""One process's part in a round: reads the vector, computes a task, sends the result."""

import json
import os
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import structlog

from dualtrain.core.loop import Training
from dualtrain.core.rounds import State, bundle_state, make_bundle
from dualtrain.core.runtime.fingerprint import code_version, platform_digest
from dualtrain.core.runtime.times import now
from dualtrain.core.scheduling import BUNDLE_SECONDS
from dualtrain.core.settings import Settings
from dualtrain.core.store import (
    BundleResult,
    Doing,
    Exchange,
    Failure,
    RoundMessage,
    RowsMessage,
    ServerAway,
    Worker,
    pack,
)
from dualtrain.core.store.broker import Kind, Task
from dualtrain.worker.job_cache import Refusal, Trainings, keep

CHECK_SECONDS = 1.0
"""How often a process looks whether the round that it computes is over: so a cancelled job frees its workers."""
LIMIT_SECONDS = 300
"""A step takes milliseconds. A process that is at one step of a unit for so long is ended by an alarm, replaced, and
reported as lost. Celery's own limits leave a timer for each task in the parent until its time has come: 50 MB at full
speed."""
PREPARATION_SECONDS = 3600
"""The same for what comes before the first unit: a data set may have to be fetched and read."""
REFUSED_SECONDS = 0.2
"""How long a process that had to refuse a task stays away from the queue, so that another one can take it."""

log = structlog.get_logger()

Proceed = Callable[[], None]


class Over(Exception):
    """The round of a task is over: it was dismissed, or a later one has begun."""


class Computer:
    """Computes tasks. Keeps the newest rounds and trainings, so that a round's vector is read once per process."""

    def __init__(
        self, exchange: Exchange, settings: Settings, worker: str, alarm: Callable[[int], object] = signal.alarm
    ) -> None:
        self._exchange = exchange
        self._worker = worker
        self._alarm = alarm
        self._since = now()
        self._trainings = Trainings(exchange, settings, worker)
        self._rounds: OrderedDict[str, RoundMessage] = OrderedDict()
        self._task: Task | None = None
        self._checked = 0.0  # when it was last looked whether the round is over

    def compute(self, task: Task) -> None:
        """Compute a task and send its result, or why it came to nothing; a stale task is dropped."""
        self._task = task
        started = time.perf_counter()
        self._alarm(PREPARATION_SECONDS)
        outcome, body = self._outcome(task)
        self._alarm(0)
        seconds = time.perf_counter() - started
        self._task = None
        if body is not None:
            rows = RowsMessage(task.step, task.shard, task.shards, outcome, seconds, self._worker, body)
            self._exchange.send(task.job, task.token, [rows])
        if outcome == RowsMessage.REFUSED:
            time.sleep(REFUSED_SECONDS)

    def _outcome(self, task: Task) -> tuple[int, bytes | None]:
        """Return what came of the task, and the body to send; None when the task is stale."""
        try:
            return RowsMessage.DONE, self._result(task)
        except Refusal as refusal:
            return RowsMessage.REFUSED, Failure(refusal.code, str(refusal)).to_bytes()
        except Over:
            log.info("task given up: its round is over", job=task.job, step=task.step, shard=task.shard)
            return RowsMessage.DONE, None
        except ServerAway as error:
            return RowsMessage.LEFT, Failure.of(error).to_bytes()
        except Exception as error:
            log.warning("task failed", job=task.job, step=task.step, shard=task.shard, exc_info=True)
            return RowsMessage.FAILED, Failure.of(error).to_bytes()

    def _result(self, task: Task) -> bytes | None:
        training = self._trainings.of(task)
        message = self._round(task, training) if training else None
        if training is None or message is None:
            return None
        self._checked = time.monotonic()
        return RESULTS[task.kind](training, message, task, partial(self._proceed, task))

    def _proceed(self, task: Task) -> None:
        """Set the alarm for the next part of the work. Raises Over when nobody waits for it any more."""
        self._alarm(LIMIT_SECONDS)
        if time.monotonic() - self._checked > CHECK_SECONDS:
            self._checked = time.monotonic()
            if self._exchange.is_over(task):
                raise Over

    def _round(self, task: Task, training: Training) -> RoundMessage | None:
        known = self._rounds.get(task.job)
        if known is None or (known.token, known.step) != (task.token, task.step):
            known = self._exchange.read(task, training.dtype)
            if known is not None:
                keep(self._rounds, task.job, known)
        return known

    def beat_forever(self, seconds: float) -> None:
        """Report every `seconds` that this process lives; a lost connection is only a beat left out."""
        while True:
            try:
                self._exchange.beat(self._alive())
            except Exception as error:
                log.warning("no heartbeat", error=str(error))
            time.sleep(seconds)

    def _alive(self) -> Worker:
        task = self._task
        return Worker(
            id=self._worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            since=self._since,
            seen=now(),
            numerics=platform_digest(),
            code=code_version(),
            doing=Doing.of(task) if task else None,
        )


def _shard(training: Training, message: RoundMessage, task: Task, proceed: Proceed) -> bytes:
    def units() -> Iterator[int]:
        for unit in range(task.first, task.last):
            proceed()
            yield unit

    return pack(training.rounds.measure(message.vector, task.step, units(), proceed))


def _bundle(training: Training, message: RoundMessage, task: Task, proceed: Proceed) -> bytes:
    optimizer_vectors = len(training.spec.optimizer.init(1, training.dtype))
    state = bundle_state(message.vector, training.network.size, optimizer_vectors, task.step)
    points: list[dict[str, Any]] = []
    for after in make_bundle(training.rounds, state, task.last, BUNDLE_SECONDS, proceed):
        points += training.recorded(state.step, after)
        state = after
    return BundleResult((state.parameters, *state.optimizer, *state.outer), state.figures(), points).to_bytes()


def _evaluation(training: Training, message: RoundMessage, task: Task, proceed: Proceed) -> bytes:
    state = State(task.step, message.vector[: training.network.size])
    return json.dumps(training.evaluate(state, proceed).document()).encode()


RESULTS: dict[Kind, Callable[[Training, RoundMessage, Task, Proceed], bytes]] = {
    Kind.SHARD: _shard,
    Kind.BUNDLE: _bundle,
    Kind.EVALUATION: _evaluation,
}
"""For each kind of task the function that computes what is sent back."""
