"""The models that this process has at hand, and which one a caller means."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock

from dualtrain.api.errors.problems import Problem
from dualtrain.api.predictions.model import Model
from dualtrain.api.security import Key
from dualtrain.core.job import ENDED
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoints, Documents, Jobs, Summary, UnknownJob, best

KEPT_BYTES = 256 << 20
LAST, BEST = "last", "best"
DIGITS = ("mnist", "ylecun/mnist")
"""Data sets whose models may answer when nobody says which model is meant."""
SEARCHED_JOBS = 500
FRESH_SECONDS = 2.0
"""How long the best model there is counts as that; looking for it takes a look at many jobs."""


@dataclass
class Models:
    """Finds models in the store, and keeps as many as fit into `KEPT_BYTES`. Safe to use from several threads."""

    jobs: Jobs
    checkpoints: Checkpoints
    documents: Documents
    data_dir: Path
    _kept: OrderedDict[tuple[str, int], Model] = field(default_factory=OrderedDict)
    _best: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of_job(self, key: Key, job_id: str, step: str = LAST) -> Model:
        """Return the model of a job that the caller may see, at `last`, `best` or a kept step. Raises Problem."""
        self._check(key, job_id, job_id)
        return self._load(job_id, self._step(job_id, step))

    def named(self, key: Key, name: str, step: str = LAST) -> Model:
        """Return the model of a job by its id, or of an alias. Raises Problem."""
        return self._load(*self.find(key, name, step))

    def find(self, key: Key, name: str, step: str = LAST) -> tuple[str, int]:
        """Return the job and the kept step that a job's id or an alias means. Raises Problem."""
        job_id, pinned = self.documents.target(name)
        self._check(key, job_id, name)
        return job_id, self._step(job_id, str(pinned) if step == LAST and pinned is not None else step)

    def best(self, key: Key) -> Model:
        """Return the caller's model of digits with the highest test accuracy. Raises Problem when there is none."""
        at, job_id = self._best.get(key.name, (-FRESH_SECONDS, ""))
        if time.monotonic() - at > FRESH_SECONDS or self.jobs.status(job_id) is None:  # it may have been deleted
            job_id = self._find_best(key)
            self._best[key.name] = time.monotonic(), job_id
        return self.of_job(key, job_id, BEST)

    def steps(self, job_id: str) -> list[Summary]:
        """Return what is kept of a job, by step. Raises Problem when there is nothing yet."""
        kept = self.checkpoints.list(job_id)
        if not kept:
            ended = self.jobs.status(job_id) in ENDED
            when = "ended without one" if ended else "makes the first after some seconds"
            raise Problem("not_there_yet", f"job {job_id} has no checkpoint; it {when}")
        return kept

    def _check(self, key: Key, job_id: str, name: str) -> None:
        """Raise Problem when the job, asked for as `name`, is not the caller's: nobody learns the ids of others."""
        try:
            owner = self.jobs.owner(job_id)
        except UnknownJob:
            raise _no_job(name) from None
        if not key.owns(owner):
            raise _no_job(name)

    def _find_best(self, key: Key) -> str:
        newest = islice(self.jobs.newest(), SEARCHED_JOBS)
        judged = [job for _, job in newest if key.owns(job.owner) and job.spec["dataset"]["name"] in DIGITS]
        accuracies = {job.id: job.metrics.best_test_accuracy for job in judged if job.metrics.best_test_accuracy}
        if not accuracies:
            message = f"no job of yours among the newest {SEARCHED_JOBS} has an evaluated model of digits"
            raise Problem("not_there_yet", f"{message}; name another with `model`, or train one: POST /v1/jobs")
        return max(accuracies, key=lambda job_id: accuracies[job_id] or 0.0)

    def _step(self, job_id: str, step: str) -> int:
        kept = self.steps(job_id)
        if step == LAST:
            return kept[-1].step
        if step == BEST:
            return (best(kept) or kept[-1]).step
        if step not in {str(one.step) for one in kept}:
            steps = ", ".join(str(one.step) for one in kept)
            raise Problem("not_there_yet", f"step {step} of job {job_id} is not kept; there are: {steps}")
        return int(step)

    def _load(self, job_id: str, step: int) -> Model:
        with self._lock:
            if (job_id, step) in self._kept:
                self._kept.move_to_end((job_id, step))
                return self._kept[job_id, step]
        checkpoint = self.checkpoints.load(job_id, step)
        if checkpoint is None:  # it went between the two looks
            raise Problem("not_there_yet", f"step {step} of job {job_id} is not kept any more")
        spec = JobSpec.model_validate(self.jobs.get(job_id).spec)
        return self._keep(Model.of(job_id, spec, checkpoint, self.data_dir))

    def _keep(self, model: Model) -> Model:
        with self._lock:
            self._kept[model.job_id, model.step] = model
            while len(self._kept) > 1 and sum(one.parameters.nbytes for one in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return model


def _no_job(name: str) -> Problem:
    return Problem(
        "job_not_found",
        f"there is no job or alias {name!r}, or the job it named is gone; GET /v1/jobs and /v1/aliases list yours",
    )
