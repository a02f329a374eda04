"""What a process frees is there again for the next block, without page faults."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from core.memory import keep_freed

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


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_freed_arrays_are_not_faulted_in_again() -> None:
    kept, given_back = faults("keep"), faults("give back")
    assert kept < 100
    assert given_back > 10 * kept
