"""Queueing of a checked spec as a job, at most once for an idempotency key."""

import hashlib
from typing import Annotated

from fastapi import Header

from dualtrain.api.errors.problems import Problem
from dualtrain.api.jobs import admission
from dualtrain.api.jobs.record import new_job
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.job import Job, new_id
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Claim, Idempotency, InFlight, QueueFull, Superseded

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="same key and body again: the first answer again, for 24 h"),
]


def accept(services: Services, key: Key, spec: JobSpec, idempotency_key: str | None) -> tuple[str, str]:
    """Queue a job, at most once for an idempotency key; return its id and its JSON. Raises Problem, QueueFull."""
    if idempotency_key:
        return _once(services, key, spec, idempotency_key.strip('"'))
    job_id = new_id()
    return job_id, _queue(services, key, spec, job_id)


def _once(services: Services, key: Key, spec: JobSpec, idempotency_key: str) -> tuple[str, str]:
    """Queue a job unless this key did already; return its id and the first answer, whatever became of the job."""
    requests = Idempotency(services.store, key.owner)
    fingerprint = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
    claim = requests.claim(idempotency_key, fingerprint, new_id())
    if claim.answer is not None:
        return claim.job_id, claim.answer
    try:
        answer = _queued(services, key, claim.job_id) or _queue(services, key, spec, claim.job_id, claim)
        return claim.job_id, requests.answer(claim, answer)
    except Superseded as error:  # this request stalled: a later one with the same key has its place
        raise InFlight(idempotency_key) from error
    except (Problem, QueueFull):  # there is no job
        requests.forget(claim)
        raise
    except Exception:  # there may be one: the same request again gets it, and no second one
        requests.release(claim)
        raise


def _queued(services: Services, key: Key, job_id: str) -> str | None:
    """Return the job that an earlier attempt of a request queued, as JSON; None when it did not get so far."""
    return next((_shown(services, key, job) for job in services.jobs.several([job_id])), None)


def _queue(services: Services, key: Key, spec: JobSpec, job_id: str, claim: Claim | None = None) -> str:
    """Queue a job; return it as JSON. Raises Problem, QueueFull when there is none, Superseded."""
    admission.check(spec, services, key)
    admission.check_quota(spec, services, key)
    source = admission.initial_checkpoint(spec, services, key)
    job = new_job(job_id, spec, key.owner, services.settings.data_dir, initial_checkpoint=source)
    services.jobs.create(job, spec.priority, services.settings.max_waiting_jobs, claim)
    return _shown(services, key, services.jobs.get(job_id))


def _shown(services: Services, key: Key, job: Job) -> str:
    return services.forecast.view(job, key).model_dump_json()
