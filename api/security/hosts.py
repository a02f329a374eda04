"""Hosts that requests may name, and origins that they may come from: against DNS rebinding and cross-site requests."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dualtrain.api.security.errors import ForeignHost, ForeignOrigin
from dualtrain.core.runtime.hosts import LOOPBACK_NAMES, is_address

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_COSTLY = re.compile(r"/(v1|v2|metrics)(/.*)?")
"""Addresses whose safe requests cost something, too: a page of another site could send them to a server without keys,
though it could not read the responses.
"""


@dataclass(frozen=True)
class Hosts:
    """`names` are allowed besides localhost and addresses: a rebound name is never an address. `*` allows all."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Hosts":
        """Return the check for these names."""
        return cls(frozenset(name.lower() for name in names) | LOOPBACK_NAMES)

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raise ForeignHost for another host, ForeignOrigin for a request from another site that changes or costs."""
        host = headers.get("host", "")
        if not self._allowed(host):
            raise ForeignHost(host)
        guarded = method not in SAFE or _COSTLY.fullmatch(path)
        if guarded and not _same_origin(host, headers):
            raise ForeignOrigin(headers.get("origin"))

    def _allowed(self, host: str) -> bool:
        name = _name(host)
        return bool(name) and ("*" in self.names or name in self.names or is_address(name))


def _same_origin(host: str, headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return origin.lower().partition("://")[2] == host.lower()  # an origin has no path (RFC 6454)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
