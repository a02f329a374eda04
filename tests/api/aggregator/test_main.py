"""The aggregator's process, started by hand."""

import os
import subprocess
import sys

from dualtrain.core.settings import Settings

LIMIT_SECONDS = 60.0
MAIN = """
from dualtrain.api.aggregator.__main__ import Aggregator, main
run = Aggregator.run
Aggregator.run = lambda self: (print("ready", flush=True), run(self))
main()
"""


def test_sigterm_ends_it_quietly(settings: Settings) -> None:
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
