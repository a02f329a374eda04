"""Messages on the exchange and their formats: rounds and briefs to the workers, rows and heartbeats back."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dualtrain.core.store.broker import Task

_ROUND = struct.Struct("<qq")
_ROWS = struct.Struct("<qiiB3xdH")


@dataclass(frozen=True)
class Brief:
    """Job description for workers: its spec as JSON, and the code version and the numerics that began it."""

    spec: dict[str, Any]
    code: str
    numerics: str

    def to_bytes(self) -> bytes:
        """Return the brief as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Brief":
        """Read `to_bytes`; unknown fields of other versions are ignored."""
        brief = json.loads(data)
        return cls(brief["spec"], brief["code"], brief["numerics"])


@dataclass(frozen=True)
class RoundMessage:
    """Input of a round's tasks. A round is identified by the step it begins at and the aggregator's token."""

    token: int
    step: int
    vector: NDArray[Any]

    def to_bytes(self) -> bytes:
        """Return header and raw vector, little-endian."""
        return _ROUND.pack(self.token, self.step) + self.vector.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, dtype: np.dtype[Any]) -> "RoundMessage":
        """Read `to_bytes`; the vector is a read-only view."""
        token, step = _ROUND.unpack_from(data)
        return cls(token, step, np.frombuffer(data, dtype, offset=_ROUND.size))


def is_round(header: bytes, task: Task) -> bool:
    """Return whether the first bytes of a round's message are those of the task's round."""
    return header[: _ROUND.size] == _ROUND.pack(task.token, task.step)


HEADER_BYTES = _ROUND.size


@dataclass(frozen=True)
class Failure:
    """Reason why a shard failed: the type of an exception, or the code of a refusal, and a text."""

    type: str
    text: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Return the failure that an exception describes."""
        return cls(type(error).__name__, str(error))

    def to_bytes(self) -> bytes:
        """Return the failure as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Failure":
        """Read `to_bytes`; unknown fields of other versions are ignored."""
        failure = json.loads(data)
        return cls(failure["type"], failure["text"])


@dataclass(frozen=True)
class RowsMessage:
    """Reply of a worker to one task: `body` is its result, or a `Failure` unless `outcome` is `DONE`."""

    DONE, FAILED, REFUSED, LOST, LEFT = range(5)
    """Computed; an exception; not a job for this process; the process died; the exchange could not be read."""

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
    def from_bytes(cls, data: bytes) -> "RowsMessage":
        """Read `to_bytes`."""
        step, shard, shards, outcome, seconds, length = _ROWS.unpack_from(data)
        start = _ROWS.size
        return cls(step, shard, shards, outcome, seconds, data[start : start + length].decode(), data[start + length :])

    @property
    def failure(self) -> Failure:
        """Body of a failed task."""
        return Failure.from_bytes(self.body)


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


@dataclass(frozen=True)
class BundleResult:
    """Result of a bundle: the vectors and figures of its last state, and the figures at the recorded steps before."""

    vectors: Sequence[NDArray[Any]]
    figures: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]]

    def to_bytes(self) -> bytes:
        """Return the length of the figures, the figures as JSON, and the packed vectors."""
        figures = json.dumps([self.figures, self.points]).encode()
        return len(figures).to_bytes(4, "little") + figures + pack(self.vectors)

    @classmethod
    def from_bytes(cls, data: bytes) -> "BundleResult":
        """Read `to_bytes`; the vectors are read-only."""
        start = 4 + int.from_bytes(data[:4], "little")
        figures, points = json.loads(data[4:start])
        return cls(unpack(data[start:]), figures, points)


class Doing(BaseModel):
    """The task that a worker process has in hand."""

    model_config = ConfigDict(frozen=True)

    job: str
    step: int
    shard: int

    @classmethod
    def of(cls, task: Task) -> "Doing":
        """Return the part of a task that a heartbeat contains."""
        return cls(job=task.job, step=task.step, shard=task.shard)


class Worker(BaseModel):
    """A live worker process, by its heartbeat: `since` is when it began, `seen` when it sent this.

    Hosts that show the same `numerics` and `code` may share a job. `doing` is null while there is nothing to do.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    host: str
    pid: int
    since: str
    seen: str
    numerics: str
    code: str
    doing: Doing | None

    def to_bytes(self) -> bytes:
        """Return the heartbeat as JSON."""
        return json.dumps(self.model_dump()).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Worker":
        """Read `to_bytes`; unknown fields of other versions are ignored."""
        return cls.model_validate_json(data)
