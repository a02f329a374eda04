"""Histories of jobs and sweeps for other programs: files, TensorBoard, MLflow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dualtrain.client.client import Client
from dualtrain.core.job import Job

__all__ = ["Curve", "curves_of"]


@dataclass(frozen=True)
class Curve:
    """The history of one job. `parameters` are the fields of its spec by their paths."""

    job_id: str
    name: str
    cell: str | None
    seed: int
    parameters: Mapping[str, Any]
    points: Sequence[Mapping[str, Any]] = field(default=(), repr=False)

    @classmethod
    def of(cls, job: Job) -> "Curve":
        """Return the curve of a job, without points yet."""
        cell = job.sweep.cell if job.sweep else None
        return cls(job.id, job.name or job.id, cell, job.spec.get("seed", 0), dict(_flat(job.spec)))

    @property
    def run_name(self) -> str:
        """A name that no other job has."""
        return self.job_id if self.name == self.job_id else f"{self.name} ({self.job_id})"


def curves_of(client: Client, item: str) -> list[Curve]:
    """Return the curve of a job, or those of a sweep's jobs. Raises ApiError when there is none."""
    jobs = list(client.get_sweep(item).jobs()) if item.startswith("sweep-") else [client.job(item).record]
    return [replace(Curve.of(job), points=client.job(job.id).history()) for job in jobs]


def _flat(part: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields of a spec by their paths."""
    if isinstance(part, dict) and part:
        for name, value in part.items():
            yield from _flat(value, f"{prefix}{name}.")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _flat(value, f"{prefix}{index}.")
    else:
        yield prefix.removesuffix("."), part
