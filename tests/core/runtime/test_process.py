"""A process that computes: it keeps its memory, has one thread, and ends with its parent."""

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's, prctl Linux's")

FAULTS = """
import resource, sys
import numpy as np
from dualtrain.core.runtime.process import keep_freed

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        [np.ones(60_000) for _ in range(10)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    keep_freed()
faults()
print(faults())
"""
LIMITED = """
import numpy as np
from dualtrain.core.runtime.process import limit_memory

limit_memory(2**28)
np.ones(2**27, np.uint8)
try:
    np.ones(2**29, np.uint8)
except MemoryError:
    print("refused")
"""
PREPARED = """
import os
import numpy
from threadpoolctl import threadpool_info
from dualtrain.core.runtime.process import prepare_to_compute

prepare_to_compute(3)
print(os.nice(0), *{one["num_threads"] for one in threadpool_info()})
"""
CHILD = """
import os, signal
from dualtrain.core.runtime.process import die_with_parent

parent, child = os.getpid(), os.fork()
if child == 0:
    die_with_parent()
    os.kill(parent, signal.SIGKILL)
    signal.pause()
os.waitpid(child, 0)
"""


def printed(program: str, *arguments: str, **variables: str) -> str:
    command, environment = [sys.executable, "-c", program, *arguments], {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_freed_arrays_are_not_faulted_in_again() -> None:
    kept, given_back = int(printed(FAULTS, "keep")), int(printed(FAULTS, "give back"))
    assert kept < 100
    assert given_back > 10 * kept


def test_a_prepared_process_has_one_thread_and_comes_after_others() -> None:
    assert printed(PREPARED, OPENBLAS_NUM_THREADS="2").split() == [str(os.nice(0) + 3), "1"]


def test_a_process_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b""  # ends when nobody holds the pipe any more: neither parent nor child
    assert process.returncode == -signal.SIGKILL


def test_allocations_beyond_a_limit_raise() -> None:
    assert subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, check=True).stdout == b"refused\n"
