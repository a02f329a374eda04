"""What others notice of an attack: how long their requests take, and how much memory the processes take."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

import httpx2
import psutil

from tests.hostile.stack import Stack, role_of

INTERVAL_SECONDS = 0.05
CALM_SECONDS = 0.25
"""How long half of the requests of others may take during an attack."""
SLOW_SECONDS = 1.0
"""How long all but one in twenty of them may take; on a busy machine five times as long as without an attack."""
QUIET_SECONDS = 1.0
"""How long a stack is watched before an attack, to learn how fast it is on this machine now; and at least during it."""
TIMEOUT_SECONDS = 60.0
Address = tuple[str, str | None]
WATCHED: tuple[Address, ...] = (("/livez", None), ("/v1/jobs", "bob"))
"""Addresses that are asked for all the time, and by which key."""


@dataclass
class Latencies:
    """Latencies of requests that should be sent each `INTERVAL_SECONDS`.

    A slow answer delays the requests behind it, so each latency also counts for the requests that it kept from being
    sent: otherwise an outage of 10 s would be one sample among hundreds.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, latency: float) -> None:
        """Add the latency of one request."""
        while latency > 0:
            self.seconds.append(latency)
            latency -= INTERVAL_SECONDS

    def quantile(self, part: float) -> float:
        """Return the latency that this part of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Observer:
    """Watches a stack from threads of its own between `__enter__` and `__exit__`."""

    def __init__(self, stack: Stack, watched: tuple[Address, ...] = WATCHED) -> None:
        self._stack = stack
        self._watched = watched
        self._quiet = {address: Latencies() for address in watched}
        self._attacked = {address: Latencies() for address in watched}
        self._current = self._quiet
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self.peak_bytes: dict[str, int] = defaultdict(int)
        """Role -> the largest resident memory of one process of it so far."""

    def __enter__(self) -> "Observer":
        self._pids = self._stack.pids()
        self._threads = [threading.Thread(target=self._ask, args=(address,)) for address in self._watched]
        self._threads.append(threading.Thread(target=self._weigh))
        for thread in self._threads:
            thread.start()
        time.sleep(QUIET_SECONDS)
        self._current = self._attacked
        self._attack_started = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(max(0.0, self._attack_started + QUIET_SECONDS - time.monotonic()))
        self._ending.set()
        for thread in self._threads:
            thread.join()

    @property
    def paths(self) -> list[str]:
        """The watched addresses."""
        return [path for path, _ in self._watched]

    @property
    def ended(self) -> set[int]:
        """The processes of the service that have ended since the observer began."""
        return self._pids - self._stack.pids()

    def latencies(self, path: str) -> Latencies:
        """Return the latencies of an address during the attack."""
        return next(found for (watched, _), found in self._attacked.items() if watched == path)

    def check(self, **limits: int) -> None:
        """Assert that others were answered in time, and that every process lives and took no more than its limit.

        `limits`: bytes by role; see `ROLES`.
        """
        for address, found in self._attacked.items():
            assert found.failures == [], address
            slowest = max(SLOW_SECONDS, 5 * self._quiet[address].quantile(0.95))
            assert found.quantile(0.5) < CALM_SECONDS, (address, found.quantile(0.5))
            assert found.quantile(0.95) < slowest, (address, found.quantile(0.95))
        assert not self.ended, "a process of the service ended"
        for role, most in limits.items():
            assert self.peak_bytes[role] < most, (role, self.peak_bytes[role])

    def _ask(self, address: Address) -> None:
        path, name = address
        with self._stack.client(name, TIMEOUT_SECONDS) as client:
            while not self._ending.is_set():
                latencies = self._current[address]
                started = time.monotonic()
                try:
                    response = client.get(path)
                    if not response.is_success:
                        latencies.failures.append(response.text)
                except httpx2.HTTPError as error:
                    latencies.failures.append(repr(error))
                latencies.add(time.monotonic() - started)
                self._ending.wait(INTERVAL_SECONDS)

    def _weigh(self) -> None:
        while not self._ending.wait(INTERVAL_SECONDS):
            for process in self._stack.supervisor.children(recursive=True):
                role = role_of(process)
                if role is not None:
                    self.peak_bytes[role] = max(self.peak_bytes[role], _resident_bytes(process))


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
