"""What must hold after a run: every accepted job ended as in the quiet run, was told of once, and leaves nothing."""

from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise

from dualtrain.core.job import Job, Status
from dualtrain.core.store import Documents, keys, replay
from tests.chaos.cases import End
from tests.chaos.stack import Stack

STAYING = (
    keys.SEQUENCE,
    keys.VERSION,
    keys.USAGE,
    keys.EVENTS,
    keys.COUNTERS,
    "dualtrain:idempotency:",
    "dualtrain:requests:",
)
"""What the store keeps without any job: windows and counters of fixed size, and answers that expire."""


def faults_of_jobs(stack: Stack, accepted: Mapping[str, str], ends: Mapping[str, End]) -> Iterator[str]:
    """Yield what is wrong with the jobs that were accepted (id -> case)."""
    total = stack.store.zcard(keys.JOBS)
    if total != len(accepted):
        yield f"{len(accepted)} jobs were accepted, the store has {total}"
    for job_id, case in accepted.items():
        job = stack.jobs.get(job_id)
        for fault in (*_end_faults(job, ends[case]), *_event_faults(stack, job)):
            yield f"{case} ({job_id}): {fault}"


def _end_faults(job: Job, end: End) -> Iterator[str]:
    found = End(job.status, job.progress.step if end.step else None, job.model.sha256)
    if found != end:
        yield f"ended as {found} ({job.status_reason}), quietly as {end}"
    for before, after in pairwise(job.transitions):
        if before.status == after.status:
            yield f"became {after.status} twice in a row"


def _event_faults(stack: Stack, job: Job) -> Iterator[str]:
    events, _ = replay(stack.store, job.id)
    for kind in ("step", "evaluation"):
        steps = [event.data["step"] for event in events if event.type == kind]
        if steps != sorted(set(steps)):
            yield f"{kind} events are not in order or told twice: {steps}"
    told = [event.data["status"] for event in events if event.type == "status"]  # a new reason alone is told too
    told = [status for status, _ in groupby(told)]
    if told != [one.status for one in job.transitions][-len(told) :]:
        yield f"status events {told}, transitions {[one.status for one in job.transitions]}"
    points = [point["step"] for point in Documents(stack.store).history(job.id) if point["test_accuracy"] is not None]
    if len(points) != len(set(points)):
        yield f"evaluations are twice in the history: {points}"


def faults_of_what_is_left(stack: Stack, accepted: Mapping[str, str]) -> Iterator[str]:
    """Delete all jobs; yield what they leave in the servers."""
    for job_id in accepted:
        if stack.jobs.status(job_id) not in (None, Status.RUNNING, Status.PAUSED, Status.QUEUED):
            stack.jobs.delete(job_id)
    for name in map(bytes.decode, stack.store.scan_iter(count=1000)):
        if not name.startswith((*STAYING, "dualtrain:lease:")):
            yield f"the store still has {name}"
    for name in map(bytes.decode, stack.exchange.scan_iter("dualtrain:*", count=1000)):
        if stack.exchange.ttl(name) == -1 and not name.startswith("dualtrain:celery:"):
            yield f"the exchange has {name} for ever"
