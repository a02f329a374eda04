"""The exchange: parameters on their way to the workers, rows on their way back. All of it expires and may be lost."""

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import structlog

from dualtrain.core.store import keys
from dualtrain.core.store.broker import QUEUE, ShardTask
from dualtrain.core.store.connection import Server
from dualtrain.core.store.messages import Brief, Round, Rows, Worker

EXPIRES_SECONDS = 3600
RECEIVED_AT_ONCE = 64
"""Shards whose rows are fetched in one trip, when so many end together."""
AWAIT_SECONDS = 1.0
"""How long a process waits for a round whose task was sent ahead of it."""
HEARTBEAT_SECONDS = 2
"""A worker that was not heard of for this long is gone."""
ROUND = b"round"
"""The one field of a round's entry."""
NEVER = 2**63
"""Comes after every step."""

_IS_OVER = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 and 1 or 0
"""
"""The round stays in the server: only the answer is sent."""
T = TypeVar("T")


class Exchange:
    """The exchange's server, as aggregator and workers use it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._is_over = server.register_script(_IS_OVER)

    def brief(self, job_id: str, brief: Brief) -> None:
        """Tell workers what a job is."""
        self.server.set(keys.brief(job_id), brief.to_bytes(), ex=EXPIRES_SECONDS)

    def read_brief(self, job_id: str) -> Brief | None:
        """Return the job's brief, None when it is gone."""
        data = self.server.get(keys.brief(job_id))
        return Brief.from_bytes(data) if data else None

    def put(
        self,
        job_id: str,
        round_: Round,
        offered: Sequence[ShardTask] = (),
        withdrawn: int | None = None,
        queued: Sequence[str] = (),
    ) -> None:
        """Write the vector of a round over the one before it, and what shards of it are `offered` in place of others.

        Messages for Celery are `queued` in the same transaction. Whoever waits for the round goes on; who waits for a
        later one, at the step `withdrawn`, shall go, for it is not put as its tasks expect it.
        """
        with self.server.pipeline(transaction=True) as pipe:  # whole, or a key may be left that never expires
            if offered:
                key = keys.offered(job_id, round_.token, round_.step)
                pipe.delete(key)
                pipe.rpush(key, *(json.dumps(task.arguments()) for task in offered))
                pipe.expire(key, EXPIRES_SECONDS)
            pipe.delete(keys.round_(job_id, round_.token))
            self._add(pipe, job_id, round_.token, round_.step, round_.to_bytes())
            if withdrawn is not None:
                self._add(pipe, job_id, round_.token, withdrawn, b"")
            if queued:  # Celery's own way waits for Redis after each message
                pipe.lpush(keys.CELERY + QUEUE, *queued)
            pipe.execute()

    def dismiss(self, job_id: str, token: int) -> None:
        """Let everybody go who waits for a round: none is put under this token any more.

        The last one is deleted by itself: where the server is full, the rest is refused.
        """
        self.server.delete(keys.round_(job_id, token))
        with self.server.pipeline(transaction=True) as pipe:
            self._add(pipe, job_id, token, NEVER, b"")
            pipe.execute()

    def _add(self, pipe: Server, job_id: str, token: int, step: int, data: bytes) -> None:
        key = keys.round_(job_id, token)
        pipe.xadd(key, {ROUND: data}, id=f"{step}-1")
        pipe.expire(key, EXPIRES_SECONDS)

    def take(self, task: ShardTask) -> ShardTask | None:
        """Return another shard of the task's round, taken from those that are offered; None when nothing is left."""
        data = self.server.lpop(keys.offered(task.job, task.token, task.step)) if task.offered else None
        return ShardTask.parse(json.loads(data)) if data else None

    def read(self, task: ShardTask, dtype: np.dtype[Any], awake_seconds: float = 0.0) -> Round | None:
        """Return the round of a task, awaited for `AWAIT_SECONDS`, at first awake; None when it is over or withdrawn.

        Raises TimeoutError when it did not come.
        """
        key = keys.round_(task.job, task.token)
        command = ("XREAD", "COUNT", 1, "BLOCK", round(1000 * AWAIT_SECONDS), "STREAMS", key, f"{task.step}-0")
        found = self.server.execute_command(*command, awake_seconds=awake_seconds)
        if not found:
            raise TimeoutError(f"step {task.step} of job {task.job} did not begin within {AWAIT_SECONDS:g} s")
        data = found[0][1][0][1][ROUND]
        round_ = Round.from_bytes(data, dtype) if data else None
        return round_ if round_ and round_.step == task.step else None

    def is_over(self, task: ShardTask) -> bool:
        """Return whether a task's round was dismissed, or a later one has begun; an exchange that lost all says no."""
        return bool(self._is_over(keys=[keys.round_(task.job, task.token)], args=[f"{task.step}-1"]))

    def send(self, job_id: str, token: int, shards: Sequence[Rows]) -> None:
        """Hand the rows of some shards, all or none, to the aggregator that asked for them."""
        key = keys.rows(job_id, token)
        with self.server.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *(rows.to_bytes() for rows in shards)).expire(key, EXPIRES_SECONDS)
            pipe.execute()

    def receive(self, job_id: str, token: int, seconds: float) -> list[Rows]:
        """Wait up to `seconds` for the rows of a shard; return them with those of others that are there too."""
        found = self.server.blmpop(seconds, 1, keys.rows(job_id, token), direction="LEFT", count=RECEIVED_AT_ONCE)
        return list(_readable(Rows.from_bytes, found[1])) if found else []

    def clear(self, job_id: str, token: int) -> None:
        """Drop what a job that ended left here beside its round. What a broken off round offered expires by itself."""
        self.server.delete(keys.brief(job_id), keys.rows(job_id, token))

    def beat(self, worker: Worker) -> None:
        """Tell that a worker is alive, for `HEARTBEAT_SECONDS`."""
        with self.server.pipeline(transaction=False) as pipe:
            pipe.set(keys.worker(worker.id), worker.to_bytes(), ex=HEARTBEAT_SECONDS)
            pipe.sadd(keys.WORKERS, worker.id).expire(keys.WORKERS, EXPIRES_SECONDS)
            pipe.execute()

    def count_workers(self) -> int:
        """Return how many workers live, without reading what they told."""
        return len(self._told())

    def workers(self) -> list[Worker]:
        """Return what the living workers told of themselves, by id."""
        return sorted(_readable(Worker.from_bytes, self._told()), key=lambda worker: worker.id)

    def _told(self) -> list[bytes]:
        """Return the living heartbeats, and forget whose expired. Not by a scan: the server may hold the jobs, too."""
        ids = [one.decode() for one in self.server.smembers(keys.WORKERS)]
        told = dict(zip(ids, self.server.mget([keys.worker(one) for one in ids]), strict=True)) if ids else {}
        if gone := [one for one in ids if told[one] is None]:
            self.server.srem(keys.WORKERS, *gone)
        return [one for one in told.values() if one is not None]


def _readable(parse: Callable[[bytes], T], messages: Iterable[bytes]) -> Iterator[T]:
    """Yield the messages that can be read. Whoever has the exchange's password may write others; they are dropped."""
    for message in messages:
        try:
            yield parse(message)
        except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
            structlog.get_logger().warning("a message on the exchange cannot be read", error=str(error))
