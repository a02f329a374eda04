"""A shard that hangs, and shards that go wrong."""

import signal
import subprocess
import sys
from unittest.mock import Mock

import pytest

from dualtrain.core.store import ServerAway
from dualtrain.worker import signals, tasks

HANGING = """
from dualtrain.worker import tasks
from dualtrain.worker import computer
from dualtrain.worker import signals

class Hanging(computer.Computer):
    def _outcome(self, task):
        while True:
            pass

computer.PREPARATION_SECONDS = 1
signals.computer = lambda: Hanging(None, None, "w")
tasks.compute.run("j", 1, 0, 0, 1, "shard", 0, 1)
"""


def test_a_process_that_hangs_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], timeout=60, capture_output=True)
    assert done.returncode == -signal.SIGALRM


@pytest.mark.parametrize("error", [ServerAway[0]("Connection closed by server."), MemoryError(), RuntimeError("odd")])
def test_an_exception_stays_in_its_process(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(signals, "computer", Mock(side_effect=error))
    tasks.compute.run("j", 1, 0, 0, 1, "shard", 0, 1)
    assert str(error) in capsys.readouterr().out + caplog.text  # where a test before set logging up, it goes there
