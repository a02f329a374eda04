"""Models in the memory of this process, and the model that a caller means."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock

from dualtrain.api.predictions.errors import NoCheckpoint, UnknownModel
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.security import Key
from dualtrain.core.job import ENDED
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoints, Documents, Jobs, Summary, UnknownJob, best

CACHE_BYTES = 256 << 20
LAST, BEST = "last", "best"
DIGITS = ("mnist", "ylecun/mnist")
"""Data sets whose models may answer a request that names no model."""
SEARCHED_JOBS = 500
BEST_SECONDS = 2.0
"""How long the best model is remembered; searching for it reads many jobs."""


@dataclass
class Models:
    """Finds models in the store, and caches as many as fit into `CACHE_BYTES`. Safe to use from several threads."""

    jobs: Jobs
    checkpoints: Checkpoints
    documents: Documents
    data_dir: Path
    _cache: OrderedDict[tuple[str, int], LoadedModel] = field(default_factory=OrderedDict)
    _best: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of_job(self, key: Key, job_id: str, step: str = LAST) -> LoadedModel:
        """Return the model of a job that the caller may see, at `last`, `best` or a step whose checkpoint is kept.

        Raises UnknownModel, NoCheckpoint.
        """
        self._check(key, job_id, job_id)
        return self._load(job_id, self._step(job_id, step))

    def named(self, key: Key, name: str, step: str = LAST) -> LoadedModel:
        """Return the model of a job by its id, or of an alias. Raises UnknownModel, NoCheckpoint."""
        return self._load(*self.find(key, name, step))

    def find(self, key: Key, name: str, step: str = LAST) -> tuple[str, int]:
        """Return the job and the step that a job's id or an alias means. Raises UnknownModel, NoCheckpoint."""
        job_id, pinned = self.documents.target(name)
        self._check(key, job_id, name)
        return job_id, self._step(job_id, str(pinned) if step == LAST and pinned is not None else step)

    def best(self, key: Key) -> LoadedModel:
        """Return the caller's model of digits with the highest test accuracy. Raises NoCheckpoint."""
        since, job_id = self._best.get(key.name, (-BEST_SECONDS, ""))
        if time.monotonic() - since > BEST_SECONDS or self.jobs.status(job_id) is None:  # it may have been deleted
            job_id = self._find_best(key)
            self._best[key.name] = time.monotonic(), job_id
        return self.of_job(key, job_id, BEST)

    def steps(self, job_id: str) -> list[Summary]:
        """Return the kept checkpoints of a job, by step. Raises NoCheckpoint when there is none."""
        checkpoints = self.checkpoints.list(job_id)
        if not checkpoints:
            ended = self.jobs.status(job_id) in ENDED
            when = "ended without one" if ended else "saves the first after some seconds"
            raise NoCheckpoint(f"job {job_id} has no checkpoint; it {when}")
        return checkpoints

    def _check(self, key: Key, job_id: str, name: str) -> None:
        """Raise UnknownModel when the job, asked for as `name`, is not the caller's: ids of others stay unknown."""
        try:
            owner = self.jobs.owner(job_id)
        except UnknownJob:
            raise _unknown(name) from None
        if not key.owns(owner):
            raise _unknown(name)

    def _find_best(self, key: Key) -> str:
        newest = islice(self.jobs.newest(), SEARCHED_JOBS)
        candidates = [job for _, job in newest if key.owns(job.owner) and job.spec["dataset"]["name"] in DIGITS]
        accuracies = {job.id: job.metrics.best_test_accuracy for job in candidates if job.metrics.best_test_accuracy}
        if not accuracies:
            message = f"no job of yours among the newest {SEARCHED_JOBS} has an evaluated model of digits"
            raise NoCheckpoint(f"{message}; name another with `model`, or train one: POST /v1/jobs")
        return max(accuracies, key=lambda job_id: accuracies[job_id] or 0.0)

    def _step(self, job_id: str, step: str) -> int:
        checkpoints = self.steps(job_id)
        if step == LAST:
            return checkpoints[-1].step
        if step == BEST:
            return (best(checkpoints) or checkpoints[-1]).step
        steps = [str(checkpoint.step) for checkpoint in checkpoints]
        if step not in steps:
            raise NoCheckpoint(f"step {step} of job {job_id} is not kept; there are: {', '.join(steps)}")
        return int(step)

    def _load(self, job_id: str, step: int) -> LoadedModel:
        with self._lock:
            if (job_id, step) in self._cache:
                self._cache.move_to_end((job_id, step))
                return self._cache[job_id, step]
        checkpoint = self.checkpoints.load(job_id, step)
        if checkpoint is None:  # it was removed since its step was listed
            raise NoCheckpoint(f"step {step} of job {job_id} is not kept any more")
        spec = JobSpec.model_validate(self.jobs.get(job_id).spec)
        return self._remember(LoadedModel.of(job_id, spec, checkpoint, self.data_dir))

    def _remember(self, model: LoadedModel) -> LoadedModel:
        with self._lock:
            self._cache[model.job_id, model.step] = model
            while len(self._cache) > 1 and sum(m.parameters.nbytes for m in self._cache.values()) > CACHE_BYTES:
                self._cache.popitem(last=False)
        return model


def _unknown(name: str) -> UnknownModel:
    return UnknownModel(
        f"there is no job or alias {name!r}, or the job it named is gone; GET /v1/jobs and /v1/aliases list yours"
    )
