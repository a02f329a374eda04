"""Names and addresses of hosts."""

from ipaddress import ip_address

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


def is_address(name: str) -> bool:
    """Return whether a host is given as an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host, name or address, means this machine only."""
    return host in LOOPBACK_NAMES or (is_address(host) and ip_address(host).is_loopback)
