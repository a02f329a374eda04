"""Set-up of a process that computes: its end, its priority, its threads, its memory."""

import ctypes
import os
import resource
import signal
from pathlib import Path

from threadpoolctl import threadpool_limits

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2)."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""
DATA_PAGES = 5
"""Index in /proc/self/statm, see proc(5)."""
KEPT_BYTES = 256 * 2**20
MAPPED_BYTES = 32 * 2**20
"""The largest value that glibc takes."""


def die_with_parent() -> None:
    """Let Linux kill this process as soon as its parent ends; a parent that ended before is not noticed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def prepare_to_compute(niceness: int = 0) -> None:
    """Lower this process's priority by `niceness`, use one BLAS thread, and stop glibc from returning freed memory."""
    os.nice(niceness)
    threadpool_limits(1)
    keep_freed()


def limit_memory(more_bytes: int) -> None:
    """Let allocations beyond `more_bytes` from now on raise MemoryError.

    Counts the heap and private mappings (`RLIMIT_DATA`), not mapped files such as prepared data sets.
    """
    soft = _data_bytes() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _data_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[DATA_PAGES])
    return pages * resource.getpagesize()


def keep_freed() -> None:
    """Stop glibc from returning up to 256 MiB of freed memory to the system: the next block needs as much again.

    By default glibc gives the end of its heap back to the system once a few arrays are free, and the next block faults
    its pages in again: a gradient per parameter of 784-100-10 with 256 samples then took up to nine times as long
    (measured). Elsewhere than with glibc nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MAPPED_BYTES)  # larger arrays are mapped, and given back one by one
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
