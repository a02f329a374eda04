"""A transport for Celery's Redis broker that drops messages which cannot be read.

Any client of the exchange can write anything into Celery's queue. Kombu lets the exception of a message that is not
JSON, or has no properties, end the worker's parent process.
"""

import structlog
from kombu.transport import TRANSPORT_ALIASES, redis

log = structlog.get_logger()

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""Exceptions of kombu and Celery at messages that they do not understand; no error of a connection is one of them."""


class Channel(redis.Channel):
    """A channel that survives every message."""

    def _brpop_read(self, **options: object) -> bool | None:
        try:
            delivered: bool | None = super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except MALFORMED as error:  # the message has left the queue
            log.warning("a message that cannot be read was dropped", error=f"{type(error).__name__}: {error}")
            return True
        return delivered


class Transport(redis.Transport):
    """Kombu's transport for Redis with this channel."""

    Channel = Channel


def register() -> None:
    """Let kombu use this transport for `redis://` and `rediss://`."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
