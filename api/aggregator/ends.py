"""Why a job cannot go on here."""

from dualtrain.core.job import Reason, Status


class Interrupted(Exception):
    """The job was paused or cancelled (`status`), or the aggregator stops (None)."""

    def __init__(self, status: Status | None) -> None:
        super().__init__(status.value if status else "the aggregator stops")
        self.status = status


class JobFailed(Exception):
    """The job cannot end as its spec says; `reason` tells why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.reason = Reason(code=code, message=message)
