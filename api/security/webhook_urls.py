"""URLs and addresses that webhooks may go to: none inside the operator's own networks."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpx2

_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER = (IPv6Network("::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("fec0::/10"))
"""IPv4-compatible, local NAT64 and site-local addresses, which Python counts as global."""
_CLOUD = IPv4Address("168.63.129.16")
"""Azure's host: a public address that leads to the machine's own platform."""


class WebhookRefused(Exception):
    """This server does not call the URL."""


def check_url(text: str, private: bool) -> None:
    """Raise WebhookRefused for a URL that is wrong as it stands; its name is not looked up.

    `private`: allow private addresses, too.
    """
    if any(character <= " " or character == "\x7f" for character in text):
        raise WebhookRefused("a webhook's URL has no spaces and no control characters; encode a space as %20")
    try:
        url = urlsplit(text)
        _ = url.port
        httpx2.URL(text)
    except (ValueError, httpx2.InvalidURL) as error:
        raise WebhookRefused(f"the webhook's URL cannot be called: {error}") from None
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise WebhookRefused("a webhook is an http or https URL with a host and without a password")
    name = url.hostname.rstrip(".").lower()
    if not private and _is_private_name(name):
        raise WebhookRefused(f"{name} is a private address; the operator may allow it with DUALTRAIN_WEBHOOK_PRIVATE")


def is_public(text: str) -> bool:
    """Return whether an IP address, and each IPv4 address embedded in it, belongs to the public internet."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address != _CLOUD
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(str(embedded))
    never = any(address in network for network in _NEVER)
    return address.is_global and not (never or address.is_multicast or address.is_reserved)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address end up at."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_private_name(name: str) -> bool:
    try:
        return not is_public(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
