"""Why the security layer refuses a request; `dualtrain.api.errors` makes responses of these."""


class Refused(Exception):
    """A request that is refused."""


class ForeignHost(Refused):
    """The request names a host that this server is not."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host!r} is not a name of this server; add it to DUALTRAIN_ALLOWED_HOSTS")


class ForeignOrigin(Refused):
    """A page of another site sent the request."""

    def __init__(self, origin: str | None) -> None:
        super().__init__(f"a page of {origin or 'another site'!r} may not send this request")


class NotOnLoopback(Refused):
    """A server without API keys was reached by another address than loopback."""

    def __init__(self) -> None:
        super().__init__("this server has no API keys, so it answers on loopback only")


class Unauthenticated(Refused):
    """The request shows no API key."""


class UnknownKey(Unauthenticated):
    """The request shows an API key that this server does not have."""

    def __init__(self) -> None:
        super().__init__("this server does not know this API key; ask its operator for one")


class MissingScope(Refused):
    """The key lacks a scope."""

    def __init__(self, name: str, scope: str) -> None:
        super().__init__(f"key {name!r} lacks the scope {scope!r}")


class RateLimited(Refused):
    """The key has sent its requests of this minute. `wait_seconds`: when the next one is accepted."""

    def __init__(self, name: str, limit: int, wait_seconds: int) -> None:
        super().__init__(f"key {name!r} is limited to {limit} requests per minute")
        self.wait_seconds = wait_seconds


class TooManyStreams(Refused):
    """As many event streams and waiting requests are open as may be."""
