"""The aggregator's process: nothing of it is left when the API that started it is gone."""

import os
import socket
import subprocess
import sys

import pytest

from core.settings import Settings

LIMIT_SECONDS = 60.0


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_it_ends_when_its_parent_ended_while_it_was_still_starting(settings: Settings, kind: str) -> None:
    ours, theirs = socket.socketpair() if kind == "socket" else map(os.fdopen, os.pipe()[::-1], ["wb", "rb"])
    command = [sys.executable, "-m", "api.aggregator"]
    with theirs, subprocess.Popen(command, stdin=theirs, env={**os.environ, **settings.environment()}) as process:
        ours.close()
        assert process.wait(LIMIT_SECONDS) == 1
