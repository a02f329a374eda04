"""Times and memory, measured so that contenders can be compared within one run."""

import ctypes
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from threadpoolctl import threadpool_limits

Run = Callable[[], object]
SLICE_SECONDS = 0.02
"""What is faster than this is repeated within a round, so that the clock and a single interruption matter less."""

MEMORY_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536"}
"""Arrays from 64 kB on are given back to the system at once, so that the resident memory is what is in use."""


def once(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def rounds(contenders: Mapping[str, Run], count: int, limit_seconds: float) -> dict[str, list[float]]:
    """Seconds of each contender in each round; all take their turn in every round, as long as there is time.

    A contender that alone takes longer than the limit is measured once, without a run to warm up.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    repeats: dict[str, int] = {}
    for name, run in contenders.items():
        first = once(run)
        if first > limit_seconds:
            times[name].append(first)
        else:
            fastest = min(once(run) for _ in range(3)) if first < 1 else first
            repeats[name] = max(int(SLICE_SECONDS / fastest), 1)
    started = time.perf_counter()
    for _ in range(count):
        for name, repeat in repeats.items():
            times[name].append(sum(once(contenders[name]) for _ in range(repeat)) / repeat)
        if time.perf_counter() - started > limit_seconds:
            break
    return times


def ratio(times: Mapping[str, list[float]], name: str, to: str) -> float:
    """The median of one contender's times over another's in the same rounds."""
    return median(a / b for a, b in zip(times[name], times[to], strict=False))


def peak_bytes(module: str, *arguments: str) -> int | None:
    """What `python -m module arguments` prints as its last line, in a process of its own; None if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | MEMORY_ENVIRONMENT)
    return int(run.stdout.split()[-1]) if run.returncode == 0 else None


def growth(prepare: Run, run: Run) -> int:
    """By how many bytes the process's peak grows in `run` over what it holds after `prepare`."""
    kept = prepare()
    ctypes.CDLL(None).malloc_trim(0)  # or what preparing has freed would be used again, unseen
    _forget_peak()
    before = _status("VmRSS")
    run()
    peak = _status("VmHWM")
    del kept
    return peak - before


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to what is held now


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def machine() -> str:
    """What was measured on, in one line."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}"


def limit_threads(count: int, *, numpy: int | None = None) -> None:
    """Threads of PyTorch's and JAX's products, before they are imported, and of NumPy's, the same unless told."""
    of_numpy = count if numpy is None else numpy
    os.environ["OPENBLAS_NUM_THREADS"] = str(of_numpy)
    threadpool_limits(of_numpy)  # where NumPy has been imported
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    os.environ["XLA_FLAGS"] = "" if count > 1 else "--xla_cpu_multi_thread_eigen=false"
    if count == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
