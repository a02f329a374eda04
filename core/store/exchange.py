"""The exchange: parameters on their way to the workers, rows on their way back. All of it expires and may be lost."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.store import keys
from core.store.broker import KEY_PREFIX, QUEUE, ShardTask
from core.store.connection import Server

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
_ROUND = struct.Struct("<qq")
_ROWS = struct.Struct("<qiiB3xdH")


@dataclass(frozen=True)
class Round:
    """What the shards of a round compute from. A round is named by the step it begins at and the aggregator's token."""

    token: int
    step: int
    vector: NDArray[Any]

    def to_bytes(self) -> bytes:
        """Return header and raw vector, little-endian."""
        return _ROUND.pack(self.token, self.step) + self.vector.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, dtype: np.dtype[Any]) -> "Round":
        """Read `to_bytes`; the vector is a read-only view."""
        token, step = _ROUND.unpack_from(data)
        return cls(token, step, np.frombuffer(data, dtype, offset=_ROUND.size))


@dataclass(frozen=True)
class Rows:
    """What a worker sends back for one shard: `body` is raw rows, or JSON of a problem unless `outcome` is `DONE`."""

    DONE, FAILED, REFUSED, LOST, LEFT = range(5)
    """Computed; an exception; not a job for this process; the process died; the round could not be read in time."""

    step: int
    shard: int
    shards: int
    outcome: int
    seconds: float
    worker: str
    body: bytes

    def to_bytes(self) -> bytes:
        """Return header, worker's name and body."""
        name = self.worker.encode()
        return _ROWS.pack(self.step, self.shard, self.shards, self.outcome, self.seconds, len(name)) + name + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> "Rows":
        """Read `to_bytes`."""
        step, shard, shards, outcome, seconds, length = _ROWS.unpack_from(data)
        start = _ROWS.size
        return cls(step, shard, shards, outcome, seconds, data[start : start + length].decode(), data[start + length :])

    @property
    def problem(self) -> dict[str, Any]:
        """The JSON of a body that is not rows."""
        return dict(json.loads(self.body))


def pack(rows: Sequence[NDArray[Any]]) -> bytes:
    """Return the rows of several blocks as one body: their count, the size of a number, their lengths, the numbers."""
    sizes = np.array([len(rows), rows[0].itemsize, *(row.size for row in rows)], "<u4")
    return b"".join((sizes.tobytes(), *(row.tobytes() for row in rows)))


def unpack(body: bytes) -> list[NDArray[Any]]:
    """Read `pack`: read-only vectors of float32 or float64. Raises ValueError when the body is cut off."""
    count, itemsize = np.frombuffer(body, "<u4", 2)
    lengths = np.frombuffer(body, "<u4", count, offset=8)
    flat = np.frombuffer(body, np.dtype(f"<f{itemsize}"), offset=8 + lengths.nbytes)
    ends = np.cumsum(lengths, dtype=np.int64)
    if flat.size != ends[-1]:
        raise ValueError(f"a shard sent {flat.size} numbers where its header says {ends[-1]}")
    return [flat[end - length : end] for end, length in zip(ends, lengths, strict=True)]


class Exchange:
    """The exchange's server, as aggregator and workers use it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def brief(self, job_id: str, brief: dict[str, Any]) -> None:
        """Tell workers what a job is: its spec, the code version, the numerics."""
        self.server.set(keys.brief(job_id), json.dumps(brief), ex=EXPIRES_SECONDS)

    def read_brief(self, job_id: str) -> dict[str, Any] | None:
        """Return the job's brief, None when it is gone."""
        data = self.server.get(keys.brief(job_id))
        return json.loads(data) if data else None

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
                pipe.lpush(KEY_PREFIX + QUEUE, *queued)
            pipe.execute()

    def dismiss(self, job_id: str, token: int) -> None:
        """Let everybody go who waits for a round: none is put under this token any more."""
        with self.server.pipeline(transaction=True) as pipe:
            pipe.delete(keys.round_(job_id, token))
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

    def read(
        self, task: ShardTask, dtype: np.dtype[Any], seconds: float = AWAIT_SECONDS, awake_seconds: float = 0.0
    ) -> Round | None:
        """Return the round of a task, awaited for up to `seconds`, at first awake; None when it is over or withdrawn.

        Raises TimeoutError when it did not come.
        """
        key = keys.round_(task.job, task.token)
        command = ("XREAD", "COUNT", 1, "BLOCK", round(1000 * seconds), "STREAMS", key, f"{task.step}-0")
        found = self.server.execute_command(*command, awake_seconds=awake_seconds)
        if not found:
            raise TimeoutError(f"step {task.step} of job {task.job} did not begin within {seconds:g} s")
        data = found[0][1][0][1][ROUND]
        round_ = Round.from_bytes(data, dtype) if data else None
        return round_ if round_ and round_.step == task.step else None

    def send(self, job_id: str, token: int, shards: Sequence[Rows]) -> None:
        """Hand the rows of some shards, all or none, to the aggregator that asked for them."""
        key = keys.rows(job_id, token)
        with self.server.pipeline(transaction=True) as pipe:
            pipe.rpush(key, *(rows.to_bytes() for rows in shards)).expire(key, EXPIRES_SECONDS)
            pipe.execute()

    def receive(self, job_id: str, token: int, seconds: float) -> list[Rows]:
        """Wait up to `seconds` for the rows of a shard; return them with those of others that are there too."""
        found = self.server.blmpop(seconds, 1, keys.rows(job_id, token), direction="LEFT", count=RECEIVED_AT_ONCE)
        return [Rows.from_bytes(one) for one in found[1]] if found else []

    def clear(self, job_id: str, token: int) -> None:
        """Drop what a job that ended left here beside its round. What a broken off round offered expires by itself."""
        self.server.delete(keys.brief(job_id), keys.rows(job_id, token))

    def beat(self, worker: dict[str, Any]) -> None:
        """Tell that a worker (`worker["id"]`) is alive, for `HEARTBEAT_SECONDS`."""
        self.server.set(keys.WORKER + worker["id"], json.dumps(worker), ex=HEARTBEAT_SECONDS)

    def count_workers(self) -> int:
        """Return how many workers live, without asking what they told."""
        return len(self._workers())

    def workers(self) -> list[dict[str, Any]]:
        """Return what the living workers told of themselves, by id."""
        names = self._workers()
        found = self.server.mget(names) if names else []
        return sorted((json.loads(one) for one in found if one), key=lambda one: str(one["id"]))

    def _workers(self) -> set[bytes]:
        return set(self.server.scan_iter(keys.WORKER + "*", count=1000))
