"""Which hosts a request may name, and from which origins it may come: against DNS rebinding and cross-site requests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dualtrain.api.errors.problems import Problem
from dualtrain.core.runtime.hosts import LOOPBACK_NAMES, is_address

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Hosts:
    """`names` are allowed besides localhost and addresses: a rebound name is never an address. `*` allows all."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Hosts":
        """Return the check for these names."""
        return cls(frozenset(name.lower() for name in names) | LOOPBACK_NAMES)

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise Problem when Host is not one of ours, or when a request that changes something comes from elsewhere."""
        host = headers.get("host", "")
        if not self._known(host):
            raise Problem("foreign_host", f"{host!r} is not a name of this server; add it to DUALTRAIN_ALLOWED_HOSTS")
        if method not in SAFE and not _same_site(host, headers):
            raise Problem("foreign_origin", f"a page of {headers.get('origin', 'another site')!r} may not do this here")

    def _known(self, host: str) -> bool:
        name = _name(host)
        return bool(name) and ("*" in self.names or name in self.names or is_address(name))


def _same_site(host: str, headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    return origin.lower().partition("://")[2] == host.lower()  # an origin has no path (RFC 6454)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
