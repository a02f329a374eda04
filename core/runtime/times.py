"""Times as jobs, events and heartbeats tell them: texts in ISO 8601, UTC, ending in `Z`."""

from datetime import UTC, datetime, timedelta


def now() -> str:
    """Return this moment, with milliseconds."""
    return _written(datetime.now(UTC), "milliseconds")


def later(seconds: float) -> str:
    """Return the time in `seconds` from now, to the second, since it is an estimate."""
    return _written(datetime.now(UTC) + timedelta(seconds=seconds), "seconds")


def iso(seconds: float) -> str:
    """Return the moment of a Unix time, with milliseconds."""
    return _written(datetime.fromtimestamp(seconds, UTC), "milliseconds")


def seconds_between(start: str, end: str) -> float:
    """Return how many seconds lie between two moments; negative when the second one was earlier."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _written(moment: datetime, precision: str) -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
