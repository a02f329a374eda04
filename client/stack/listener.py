"""The socket that the API listens on, and the address to type into a browser."""

import socket


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket, bound once: port 0 picks one, and the API keeps it across restarts.

    Raises RuntimeError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=host == "::")
    except OSError as error:
        reason = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise RuntimeError(f"{reason}; choose another with --port, 0 picks a free one") from None


def url(host: str, port: int) -> str:
    """Return the service's address as seen from this machine."""
    address = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
