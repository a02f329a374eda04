"""Limits of a child process, set by itself before it reads anything foreign and kept by the kernel."""

import os
import resource
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FIRST_TO_KILL = "1000"
"""`oom_score_adj`: a machine or container without memory loses its children, not the API."""
FILE_BYTES = 1 << 30
OPEN_FILES = 256


@dataclass(frozen=True)
class Limits:
    """Limits of one request. Memory is address space beyond that of the imports of the child."""

    memory_bytes: int
    processor_seconds: int
    wall_seconds: float

    def document(self) -> dict[str, Any]:
        """Return the limits as JSON."""
        return asdict(self)


def confine() -> None:
    """Limit this process for its whole life: first to be ended, files, no core dumps."""
    with suppress(OSError):  # not on Linux, or /proc is not mounted
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_KILL)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, FILE_BYTES)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)


def begin(limits: Limits, imported_bytes: int) -> None:
    """Limit this process for its next request; `imported_bytes` is its address space without one."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + limits.processor_seconds
    _lower(resource.RLIMIT_CPU, seconds)
    _lower(resource.RLIMIT_AS, imported_bytes + limits.memory_bytes)


def address_space() -> int:
    """Return the bytes of address space that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """Return the largest resident memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _lower(kind: int, most: int) -> None:
    """Set the soft limit. The hard limit stays, so that the next request may have a limit of its own."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
