"""Hosts with their own addresses on this machine: network namespaces on a bridge (needs root)."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

HUB_ADDRESS = "10.77.0.1"


@dataclass(frozen=True)
class Hosts:
    """A hub at `HUB_ADDRESS` and hosts 2, 3, ... wired to it."""

    name: str
    count: int

    def command(self, host: int, command: Sequence[str]) -> list[str]:
        """Return how to run a command on a host; 1 is the hub."""
        return ["ip", "netns", "exec", self._space(host), *command]

    def cut(self, host: int) -> None:
        """Pull the host's plug: packets vanish, nobody is told."""
        _ip("-n", self._space(1), "link", "set", f"port{host}", "down")

    def join(self, host: int) -> None:
        """Put the plug back."""
        _ip("-n", self._space(1), "link", "set", f"port{host}", "up")

    def make(self) -> None:
        """Make hub, bridge, hosts and wires. Raises RuntimeError where that is not allowed."""
        hub = self._space(1)
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "address", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        for interface in ("lo", "bridge"):
            _ip("-n", hub, "link", "set", interface, "up")
        for host in range(2, self.count + 2):
            self._wire(hub, host)

    def _wire(self, hub: str, host: int) -> None:
        space, port = self._space(host), f"port{host}"
        _ip("netns", "add", space)
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", hub, "link", "set", port, "master", "bridge", "up")
        _ip("-n", space, "address", "add", f"10.77.0.{host}/24", "dev", "eth0")
        for interface in ("lo", "eth0"):
            _ip("-n", space, "link", "set", interface, "up")

    def remove(self) -> None:
        """Remove everything that `make` made, however far it came."""
        for host in range(1, self.count + 2):
            subprocess.run(["ip", "netns", "delete", self._space(host)], check=False, capture_output=True)

    def _space(self, host: int) -> str:
        return f"{self.name}-{host}"


@contextmanager
def hosts(count: int) -> Iterator[Hosts]:
    """Make hosts and remove them. Raises RuntimeError where namespaces cannot be had."""
    made = Hosts(f"dualtrain-{uuid4().hex[:8]}", count)
    try:
        made.make()
        yield made
    finally:
        made.remove()


def why_not() -> str:
    """Return why there can be no hosts here, or an empty text."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with hosts(1):
            return ""
    except (RuntimeError, FileNotFoundError) as error:
        return f"network namespaces cannot be had here: {error}"


def _ip(*arguments: str) -> None:
    run = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {run.stderr.strip()}")
