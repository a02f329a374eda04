"""Every Redis key of the project. Store keys are kept; exchange keys all expire."""

# The store.
SEQUENCE = "dualtrain:sequence"
"""Counts accepted jobs; a job's number orders lists and the queue."""
JOBS = "dualtrain:jobs"
"""Sorted set of all job ids by number."""
VERSION = "dualtrain:jobs:version"
"""Version of the last written job; begins at the time in microseconds, so that an emptied store goes on above it."""
CHANGES = "dualtrain:jobs:changes"
"""Sorted set of job ids by the version of their last write."""
QUEUE = "dualtrain:queue"
"""Sorted set of queued job ids, first to run first."""
EVENTS = "dualtrain:events"
"""Stream of the events of all jobs."""
CONTROL = "dualtrain:control"
"""Channel that tells aggregators of changes of status: `<job> <status>`."""
ALIASES = "dualtrain:aliases"
"""Hash: alias -> JSON of the job and step it names."""
COUNTERS = "dualtrain:counters"
"""Hash of the counters that `/metrics` shows: name and labels -> number."""
WEBHOOKS = "dualtrain:webhooks"
"""Sorted set of the webhook calls still to be made, `<job>/<delivery>`, by the Unix time of the next attempt."""
USAGE = "dualtrain:usage"
"""Hash of what deleted jobs used: `<owner as JSON>/<figure>` -> number."""

SWEEPS = "dualtrain:sweeps"
"""Sorted set of all sweep ids by number."""
LIVE_SWEEPS = "dualtrain:sweeps:live"
"""Set of the ids of sweeps that have not ended, or of which a job has not."""
SWEEP_SEQUENCE = "dualtrain:sweeps:sequence"
"""Counter of accepted sweeps."""


def job(job_id: str) -> str:
    """Hash: the fields of a job, each as JSON; `number`; `attempts`, aggregators that began since the last progress;
    `told:<type>`, the step of the last event of a type; `mark` and `committed`, by which the last change of status and
    the last commit are known when they come twice.

    Anybody may ask for any id, and one with a colon must not lead to the keys below.
    """
    return f"dualtrain:job:{job_id.replace(':', '%3A')}"


def by_status(status: str) -> str:
    """Sorted set of the ids of jobs with this status, by number."""
    return f"dualtrain:jobs:{status}"


def transitions(job_id: str) -> str:
    """List of JSON transitions, oldest first."""
    return f"dualtrain:job:{job_id}:transitions"


def history(job_id: str) -> str:
    """List of JSON points, oldest first."""
    return f"dualtrain:job:{job_id}:history"


def deliveries(job_id: str) -> str:
    """Hash: name -> JSON of a delivery of the job's webhook."""
    return f"dualtrain:job:{job_id}:deliveries"


def job_log(job_id: str) -> str:
    """List of JSON log records of a job, oldest first."""
    return f"dualtrain:job:{job_id}:log"


def events(job_id: str) -> str:
    """Stream of one job's events; entries have the ids that they have in `EVENTS`."""
    return f"dualtrain:job:{job_id}:events"


def checkpoints(job_id: str) -> str:
    """Hash: step -> JSON of what a kept checkpoint is."""
    return f"dualtrain:job:{job_id}:checkpoints"


def checkpoint(job_id: str, step: int | str) -> str:
    """Bytes: one checkpoint as safetensors. With the step "" what the keys of all of a job's begin with."""
    return f"dualtrain:job:{job_id}:checkpoint:{step}"


def lease(job_id: str) -> str:
    """The fencing token of the aggregator that works on a job; expires when it stops renewing."""
    return f"dualtrain:lease:{job_id}"


def token(job_id: str) -> str:
    """Counter of the fencing tokens given out for a job."""
    return f"dualtrain:token:{job_id}"


def idempotency(owner: str, key: str) -> str:
    """JSON: fingerprint of the request and its first answer; expires after 24 hours."""
    return f"dualtrain:idempotency:{owner}:{key}"


def session(sha256: str) -> str:
    """Hash of the API key that a page logged in with; expires. `sha256` is that of the cookie."""
    return f"dualtrain:session:{sha256}"


def requests(owner: str, minute: int) -> str:
    """Counter of the requests of a key within a minute; expires."""
    return f"dualtrain:requests:{owner}:{minute}"


def sweep(sweep_id: str) -> str:
    """Hash: the fields of a sweep, each as JSON."""
    return f"dualtrain:sweep:{sweep_id.replace(':', '%3A')}"


def sweep_jobs(sweep_id: str) -> str:
    """Set of the ids of the jobs of a sweep that were queued, the deleted ones included."""
    return f"dualtrain:sweep:{sweep_id}:jobs"


def sweep_outcomes(sweep_id: str) -> str:
    """Hash: job id -> JSON of the outcome of a job that has ended; it outlives the job."""
    return f"dualtrain:sweep:{sweep_id}:outcomes"


# The exchange.
def round_(job_id: str, token_: int) -> str:
    """Token, step and vector of the present round. By token, so that no aggregator writes over a newer one's."""
    return f"dualtrain:round:{job_id}:{token_}"


def brief(job_id: str) -> str:
    """JSON: what a worker must know to compute a job's shards."""
    return f"dualtrain:brief:{job_id}"


def rows(job_id: str, token_: int) -> str:
    """List of the shards' results; the token keeps a stopped aggregator from swallowing its successor's rows."""
    return f"dualtrain:rows:{job_id}:{token_}"


def worker(worker_id: str) -> str:
    """JSON: the heartbeat of a worker process; expires."""
    return f"dualtrain:worker:{worker_id}"


WORKERS = "dualtrain:workers"
"""Set of the ids of the workers that told of themselves; those that are gone are taken out when it is read."""
CELERY = "dualtrain:celery:"
"""Prefix of all keys that Celery uses, where Redis is its broker."""
