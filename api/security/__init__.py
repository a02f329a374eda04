"""Access to the service: API keys with scopes and rates, and the hosts and origins of requests."""

from dualtrain.api.security.errors import (
    ForeignHost,
    ForeignOrigin,
    MissingScope,
    NotOnLoopback,
    RateLimited,
    Refused,
    TooManyStreams,
    Unauthenticated,
    UnknownKey,
)
from dualtrain.api.security.hosts import Hosts
from dualtrain.api.security.keys import ANYONE, Key, Keys, Scope
from dualtrain.api.security.rates import count_request
from dualtrain.api.security.streams import Streams

__all__ = [
    "ANYONE",
    "ForeignHost",
    "ForeignOrigin",
    "Hosts",
    "Key",
    "Keys",
    "MissingScope",
    "NotOnLoopback",
    "RateLimited",
    "Refused",
    "Scope",
    "Streams",
    "TooManyStreams",
    "Unauthenticated",
    "UnknownKey",
    "count_request",
]
