"""Refusals of changes to jobs."""


class UnknownJob(LookupError):
    """No job has this id."""


class QueueFull(Exception):
    """As many jobs wait as may wait."""


class Superseded(Exception):
    """Another request with the same idempotency key has taken over."""


class Conflict(Exception):
    """The job's `status` does not allow a change, as to `target_status`; `advice` is what to do instead."""

    def __init__(self, job_id: str, status: str, target_status: str = "", advice: str = "") -> None:
        target = f"; it cannot become {target_status} from there" if target_status else ""
        super().__init__(f"job {job_id} is {status}{target}{advice and f': {advice}'}")
        self.status = status
