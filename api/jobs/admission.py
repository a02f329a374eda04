"""What is checked before a job is queued: all that can be known when it is posted."""

from collections.abc import Iterator

from dualtrain.api.errors.problems import Problem
from dualtrain.api.errors.validation import invalid
from dualtrain.api.predictions.errors import NoCheckpoint, UnknownModel
from dualtrain.api.security import Key
from dualtrain.api.security.webhook_urls import WebhookRefused, check_url
from dualtrain.api.services import Services
from dualtrain.core.cost import cost_faults, job_cost
from dualtrain.core.data import UnknownDataset, catalogue, describe
from dualtrain.core.job import ENDED, CheckpointRef, Job, Status
from dualtrain.core.loop import network_for
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.spec import faults as spec_faults
from dualtrain.core.validation import Fault, nearest


def check(spec: JobSpec, services: Services, key: Key) -> None:
    """Raise Problem `invalid` with every fault of the spec, known from its data set, this server and its caller."""
    if faults := faults_of(spec, services, key):
        raise invalid(faults)


def faults_of(spec: JobSpec, services: Services, key: Key) -> list[Fault]:
    """Return every fault of the spec, known from its data set, this server and its caller."""
    found = _dataset_faults(spec, services.settings)
    if not found:
        found += _shape_faults(spec, services.settings)
    found += _webhook_faults(spec, services.settings)
    if not found:
        found += _weight_faults(spec, services, key)
    return found


def initial_checkpoint(spec: JobSpec, services: Services, key: Key) -> CheckpointRef | None:
    """Return the checkpoint that the spec starts from; its name means this one from now on. Raises Problem."""
    if spec.initial_weights is None:
        return None
    job_id, step = services.models.find(key, spec.initial_weights)
    return CheckpointRef(job_id=job_id, step=step)


def check_quota(spec: JobSpec, services: Services, key: Key) -> None:
    """Raise Problem `quota_exceeded` when the key's limits leave no room for this job."""
    for status, limit in ((Status.QUEUED, key.max_waiting_jobs), (Status.RUNNING, key.max_running_jobs)):
        if limit is not None and (owned := len(_owned(services, key, status))) >= limit:
            message = f"key {key.name!r} has {owned} of {limit} {status.value} jobs; let one end, or cancel one"
            raise Problem("quota_exceeded", message)
    limit = key.max_stored_bytes
    if limit is None:
        return
    stored, needed = _stored_bytes(services, key), job_cost(spec).checkpoint_bytes
    if stored + needed > limit:
        raise Problem(
            "quota_exceeded",
            f"the checkpoints of key {key.name!r} take {stored:,} of {limit:,} bytes, and this job may keep "
            f"{needed:,} more; delete some jobs, or set a smaller keep_checkpoints",
        )


def _shape_faults(spec: JobSpec, settings: Settings) -> list[Fault]:
    try:
        data = describe(spec.dataset.name, settings.data_dir)
    except UnknownDataset as error:  # allowed, but the hub does not answer or does not have it
        return [Fault("/dataset/name", "dataset_unavailable", str(error))]
    return spec_faults(spec, len(data.classes), data.train_samples) or list(cost_faults(spec, settings))


def _dataset_faults(spec: JobSpec, settings: Settings) -> list[Fault]:
    known = catalogue(settings.data_dir, settings.hub_datasets)
    if spec.dataset.name in known:
        return []
    message = f"data set {spec.dataset.name!r} is not known; there are: {', '.join(sorted(known))}"
    return [Fault("/dataset/name", "unknown_dataset", message, nearest(spec.dataset.name, known))]


def _webhook_faults(spec: JobSpec, settings: Settings) -> Iterator[Fault]:
    if spec.webhook_url is None:
        return
    if settings.webhook_secret is None:
        message = "webhooks are off: the operator has set no DUALTRAIN_WEBHOOK_SECRET"
        yield Fault("/webhook_url", "webhooks_off", message)
        return
    try:
        check_url(spec.webhook_url, settings.webhook_private)
    except WebhookRefused as error:
        yield Fault("/webhook_url", "webhook_refused", str(error))


def _weight_faults(spec: JobSpec, services: Services, key: Key) -> Iterator[Fault]:
    """Look for the job that `initial_weights` names: it must be the caller's, have a checkpoint, and fit."""
    if spec.initial_weights is None:
        return
    try:
        source, _ = services.models.find(key, spec.initial_weights)
    except (UnknownModel, NoCheckpoint):
        message = f"{spec.initial_weights!r} is neither a job of yours with a checkpoint nor an alias of one"
        yield Fault("/initial_weights", "unknown_weights", message)
        return
    theirs, ours = network_for(JobSpec.model_validate(services.jobs.get(source).spec)), network_for(spec)
    shapes, expected = ([part.shape for part in network.slices] for network in (theirs, ours))
    if shapes != expected:
        message = f"the parameters there have the shapes {shapes}, here {expected}"
        yield Fault("/initial_weights", "weights_do_not_fit", message)


def _owned(services: Services, key: Key, status: Status | None = None) -> list[str]:
    """Return the ids of the key's jobs with this status, or of all."""
    found = services.jobs.fields(services.jobs.ids(status), "owner")
    return [job_id for job_id, (owner,) in found if owner == key.name]


def _stored_bytes(services: Services, key: Key) -> int:
    """Return the bytes of the key's checkpoints; jobs that have not ended count with all that they may keep."""
    return sum(_kept_bytes(services, job) for job in services.jobs.several(_owned(services, key)))


def _kept_bytes(services: Services, job: Job) -> int:
    if job.status not in ENDED:
        return job_cost(JobSpec.model_validate(job.spec)).checkpoint_bytes
    return sum(summary.size_bytes for summary in services.checkpoints.list(job.id))
