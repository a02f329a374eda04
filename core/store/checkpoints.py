"""Checkpoints: everything a job needs to go on, written in one piece and under the fencing token."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel
from safetensors.numpy import load, save

from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.times import now
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.leases import Lease, Stale

_SAVE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('SET', KEYS[3], ARGV[4])
for i = 5, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('DEL', KEYS[i - 1])
end
return 1
"""


class Summary(BaseModel):
    """Entry of a list of checkpoints. Accuracies from 0 to 1; sha256 is that of the parameters' bytes."""

    step: int
    loss: float | None = None
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    sha256: str
    size_bytes: int
    at: str


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` hold `parameters` (P,) and the optimizer's vectors; `metadata` is JSON-able and holds the counters."""

    step: int
    tensors: Mapping[str, NDArray[Any]]
    metadata: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Return the checkpoint as a safetensors file."""
        return bytes(save(dict(self.tensors), {"step": str(self.step), "dualtrain": json.dumps(self.metadata)}))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Checkpoint":
        """Read `to_bytes`. The tensors' metadata stand in the file's JSON header, whose length is its first 8 bytes."""
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        return cls(int(header["step"]), load(data), json.loads(header["dualtrain"]))


LOOKS = 3
"""A running job may replace its newest checkpoint between a look at the list and one at the checkpoint."""


class Checkpoints:
    """The checkpoints that the store keeps."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._save = store.register_script(_SAVE)

    def save(self, lease: Lease, checkpoint: Checkpoint, metrics: Mapping[str, float | None], keep: int) -> Summary:
        """Write a checkpoint; the best, the last and `keep` older ones with an evaluation stay. Raises Stale."""
        blob = checkpoint.to_bytes()
        summary = Summary(
            step=checkpoint.step,
            sha256=digest(checkpoint.tensors["parameters"]),
            size_bytes=len(blob),
            at=now(),
            **{name: metrics.get(name) for name in ("loss", "test_accuracy", "validation_accuracy")},
        )
        job_id, dropped = lease.job_id, surplus([*self.list(lease.job_id), summary], keep)
        saved = self._save(
            keys=[
                keys.token(job_id),
                keys.checkpoints(job_id),
                keys.checkpoint(job_id, summary.step),
                *(keys.checkpoint(job_id, step) for step in dropped),
            ],
            args=[lease.token, summary.step, summary.model_dump_json(), blob, *dropped],
        )
        if not saved:
            raise Stale(f"another aggregator works on job {job_id} now")
        return summary

    def list(self, job_id: str) -> list[Summary]:
        """Return the summaries of a job's checkpoints, by step."""
        records = self._store.hvals(keys.checkpoints(job_id))
        return sorted((Summary.model_validate_json(record) for record in records), key=lambda record: record.step)

    def sizes(self, job_ids: Iterable[str]) -> dict[str, int]:
        """Return the bytes that the checkpoints of each of many jobs take."""
        ids = tuple(job_ids)
        with self._store.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hvals(keys.checkpoints(job_id))
            answers = pipe.execute()
        by_job = zip(ids, answers, strict=True)
        return {job_id: sum(json.loads(summary)["size_bytes"] for summary in summaries) for job_id, summaries in by_job}

    def load(self, job_id: str, step: int) -> Checkpoint | None:
        """Return the checkpoint of a step, None when it is not kept."""
        blob = self._store.get(keys.checkpoint(job_id, step))
        return Checkpoint.from_bytes(blob) if blob else None

    def last(self, job_id: str) -> Checkpoint | None:
        """Return the newest checkpoint, None when there is none."""
        for _ in range(LOOKS):
            summaries = self.list(job_id)
            checkpoint = self.load(job_id, summaries[-1].step) if summaries else None
            if checkpoint is not None or not summaries:
                return checkpoint
        return None


def best(summaries: list[Summary]) -> Summary | None:
    """Return the checkpoint of the highest accuracy (on held-back samples if any), the earliest of equals."""
    judged = [summary for summary in summaries if summary.test_accuracy is not None]
    return max(judged, key=lambda summary: (_score(summary), -summary.step), default=None)


def surplus(summaries: list[Summary], keep: int) -> list[int]:
    """Return the steps to drop: all but the last, the best and the newest `keep` that were evaluated."""
    ordered = sorted({summary.step: summary for summary in summaries}.values(), key=lambda summary: summary.step)
    chosen, older = best(ordered), [summary.step for summary in ordered[:-1] if summary.test_accuracy is not None]
    stay = {ordered[-1].step, *(older[-keep:] if keep else ()), *([chosen.step] if chosen else ())}
    return [summary.step for summary in ordered if summary.step not in stay]


def _score(summary: Summary) -> float:
    accuracy = summary.validation_accuracy if summary.validation_accuracy is not None else summary.test_accuracy
    return -1.0 if accuracy is None else accuracy
