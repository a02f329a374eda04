"""The aggregator's process: nothing of it is left when the API that started it is gone."""

import os
import socket
import subprocess
import sys

import pytest

from dualtrain.core.settings import Settings

LIMIT_SECONDS = 60.0
MAIN = """
from dualtrain.api.aggregator.__main__ import Aggregator, main
run = Aggregator.run
Aggregator.run = lambda self: (print("ready", flush=True), run(self))
main()
"""


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_it_ends_when_its_parent_ended_while_it_was_still_starting(settings: Settings, kind: str) -> None:
    ours, theirs = socket.socketpair() if kind == "socket" else map(os.fdopen, os.pipe()[::-1], ["wb", "rb"])
    command = [sys.executable, "-m", "dualtrain.api.aggregator"]
    with theirs, subprocess.Popen(command, stdin=theirs, env={**os.environ, **settings.environment()}) as process:
        ours.close()
        assert process.wait(LIMIT_SECONDS) == 1


def test_told_to_stop_it_ends_well_while_its_parent_lives(settings: Settings) -> None:
    aggregating = (sys.executable, "-c", MAIN)
    environment = {**os.environ, **settings.environment()}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(aggregating, env=environment, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(LIMIT_SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
