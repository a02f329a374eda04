"""Handling of a shard's message by a worker's parent process."""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.request import Request
from celery.worker.strategy import default

HEADERS = ("lang", "task", "id", "traceparent", "tracestate", "baggage")
"""The headers of a message that have a meaning here; OpenTelemetry adds the last three."""


class Unacknowledged(Request):  # type: ignore[misc]
    """A request whose message left the queue when it was taken.

    Without this kombu would still ask Redis to forget the message, and wait for the answer: a round trip a shard.
    """

    def acknowledge(self) -> None:
        """Do nothing."""
        self.acknowledged = True


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., None]:
    """Return Celery's handler of messages, for those only that an aggregator may have sent.

    Celery trusts messages: a time limit that is text ends the parent, a time to start or a callback would be obeyed.
    Raises InvalidTaskError for any other message, which Celery logs and drops.
    """
    handle = default(task, app, consumer, **options)

    def handle_shard(message: Any, body: Any, *rest: Any) -> None:
        message.headers = _headers(message.headers)
        _check(message.payload)
        handle(message, body, *rest)

    return handle_shard


def _headers(headers: dict[str, Any]) -> dict[str, str]:
    known = {name: headers[name] for name in HEADERS if name in headers}
    if "id" not in known or not all(isinstance(value, str) for value in known.values()):
        raise InvalidTaskError("the headers are not those of a shard")
    return known


def _check(payload: Any) -> None:
    """Raise InvalidTaskError unless the body is `[arguments, {}, options]` without callbacks and other tasks."""
    match payload:
        case [list(arguments), dict(keywords), dict(embedded)]:
            scalars = all(isinstance(value, str | int) for value in arguments)
            if arguments and scalars and not keywords and not any(embedded.values()):
                return
    raise InvalidTaskError("the body is not that of a shard")
