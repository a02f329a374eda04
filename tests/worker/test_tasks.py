"""A shard that hangs."""

import signal
import subprocess
import sys

HANGING = """
from worker import computer, processes, tasks

class Hanging(computer.Computer):
    def _outcome(self, task):
        while True:
            pass

computer.PREPARATION_SECONDS = 1
processes.computer = lambda: Hanging(None, None, "w")
tasks.shard.run("j", 1, 0, 0, 1, 0, 1)
"""


def test_a_process_that_hangs_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], timeout=60, capture_output=True)
    assert done.returncode == -signal.SIGALRM
