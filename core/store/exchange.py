"""The exchange: parameters on their way to the workers, rows on their way back. All of it expires and may be lost."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import structlog

from dualtrain.core.store import keys
from dualtrain.core.store.broker import Task
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.messages import HEADER_BYTES, Brief, RoundMessage, RowsMessage, Worker, is_round

EXPIRES_SECONDS = 3600
RECEIVED_AT_ONCE = 64
"""Most shards whose rows are fetched in one round trip."""
HEARTBEAT_SECONDS = 2
"""Lifetime of a heartbeat: a worker without one counts as dead."""
NEVER = 2**62
"""Comes after every step."""

T = TypeVar("T")


class Exchange:
    """The exchange's server, as aggregator and workers use it."""

    def __init__(self, server: RedisClient) -> None:
        self.server = server

    def brief(self, job_id: str, brief: Brief) -> None:
        """Publish a job's brief to the workers."""
        self.server.set(keys.brief(job_id), brief.to_bytes(), ex=EXPIRES_SECONDS)

    def read_brief(self, job_id: str) -> Brief | None:
        """Return the job's brief, None when it is gone."""
        data = self.server.get(keys.brief(job_id))
        return Brief.from_bytes(data) if data else None

    def put(self, job_id: str, message: RoundMessage) -> None:
        """Write the vector of a round over that of the one before."""
        self.server.set(keys.round_(job_id, message.token), message.to_bytes(), ex=EXPIRES_SECONDS)

    def read(self, task: Task, dtype: np.dtype[Any]) -> RoundMessage | None:
        """Return the round of a task, None when it is over or not there."""
        data = self.server.get(keys.round_(task.job, task.token))
        return RoundMessage.from_bytes(data, dtype) if data and is_round(data, task) else None

    def holds(self, job_id: str, token: int) -> bool:
        """Return whether there is a round under this token; an exchange that lost everything says no."""
        return bool(self.server.exists(keys.round_(job_id, token)))

    def is_over(self, task: Task) -> bool:
        """Return whether a task's round was dismissed, or a later one has begun; an exchange that lost all says no."""
        header = self.server.getrange(keys.round_(task.job, task.token), 0, HEADER_BYTES - 1)
        return bool(header) and not is_round(header, task)

    def dismiss(self, job_id: str, token: int) -> None:
        """End the present round: what of it is still queued or computed is dropped by the workers.

        The vector is deleted first: where the server is full, anything that is written is refused.
        """
        self.server.delete(keys.round_(job_id, token))
        self.put(job_id, RoundMessage(token, NEVER, np.zeros(0)))

    def send(self, job_id: str, token: int, shards: Sequence[RowsMessage]) -> None:
        """Hand the rows of some shards, all or none, to the aggregator that asked for them."""
        key = keys.rows(job_id, token)
        with self.server.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *(rows.to_bytes() for rows in shards)).expire(key, EXPIRES_SECONDS)
            pipe.execute()

    def receive(self, job_id: str, token: int, seconds: float) -> list[RowsMessage]:
        """Wait up to `seconds` for the rows of a shard; return them with those of others that are there too."""
        reply = self.server.blmpop(seconds, 1, keys.rows(job_id, token), direction="LEFT", count=RECEIVED_AT_ONCE)
        return list(_readable(RowsMessage.from_bytes, reply[1])) if reply else []

    def clear(self, job_id: str, token: int) -> None:
        """Drop what a job that ended left here beside its round."""
        self.server.delete(keys.brief(job_id), keys.rows(job_id, token))

    def beat(self, worker: Worker) -> None:
        """Publish a worker's heartbeat, valid for `HEARTBEAT_SECONDS`."""
        with self.server.pipeline(transaction=False) as pipe:
            pipe.set(keys.worker(worker.id), worker.to_bytes(), ex=HEARTBEAT_SECONDS)
            pipe.sadd(keys.WORKERS, worker.id).expire(keys.WORKERS, EXPIRES_SECONDS)
            pipe.execute()

    def count_workers(self) -> int:
        """Return the number of live workers, without parsing their heartbeats."""
        return len(self._heartbeats())

    def workers(self) -> list[Worker]:
        """Return the live workers, by id, from their heartbeats."""
        return sorted(_readable(Worker.from_bytes, self._heartbeats()), key=lambda worker: worker.id)

    def _heartbeats(self) -> list[bytes]:
        """Return the live heartbeats and drop the expired ids, without a scan: the server may hold the jobs, too."""
        ids = [worker_id.decode() for worker_id in self.server.smembers(keys.WORKERS)]
        heartbeats = (
            dict(zip(ids, self.server.mget([keys.worker(worker_id) for worker_id in ids]), strict=True)) if ids else {}
        )
        if expired := [worker_id for worker_id in ids if heartbeats[worker_id] is None]:
            self.server.srem(keys.WORKERS, *expired)
        return [heartbeat for heartbeat in heartbeats.values() if heartbeat is not None]


def _readable(parse: Callable[[bytes], T], messages: Iterable[bytes]) -> Iterator[T]:
    """Yield the messages that can be read. Anyone with the exchange's password can write others."""
    for message in messages:
        try:
            yield parse(message)
        except (ValueError, KeyError, TypeError, IndexError, struct.error) as error:
            structlog.get_logger().warning("a message on the exchange cannot be read", error=str(error))
