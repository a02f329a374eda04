"""How a process that computes is set up: its end, its priority, its threads, its memory."""

import ctypes
import os
import signal

from threadpoolctl import threadpool_limits

PR_SET_PDEATHSIG = 1
"""Of Linux's prctl(2)."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""
KEPT_BYTES = 256 * 2**20
MAPPED_BYTES = 32 * 2**20
"""The largest value that glibc takes."""


def die_with_parent() -> None:
    """Let Linux kill this process as soon as its parent has ended; it does not tell of one that ended before."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def prepare_to_compute(niceness: int = 0) -> None:
    """Let this process stand behind others by so much, multiply matrices in one thread, and keep what it frees."""
    os.nice(niceness)
    threadpool_limits(1)
    keep_freed()


def keep_freed() -> None:
    """Let this process keep what it frees, up to 256 MiB: the next block needs as much again.

    By default glibc gives the end of its heap back to the system once a few arrays are free, and the next block faults
    its pages in again: a gradient per parameter of 784-100-10 with 256 samples then took up to nine times as long
    (measured). Elsewhere than with glibc nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MAPPED_BYTES)  # larger arrays are mapped, and given back one by one
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
