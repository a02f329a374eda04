"""The aggregator's process: started with the API, started again when it dies, gone when the API goes."""

import asyncio
import os
import sys
from collections.abc import Mapping

import structlog

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
HEALTHY_SECONDS = 10.0
"""A process that lived this long starts again without delay."""
STOP_SECONDS = 10.0


class Companion:
    """Keeps `python -m MODULE` running. Its standard input is a pipe from here: it ends when this process does."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._command = (sys.executable, "-m", module)
        self._environment = {**os.environ, **environment}
        self.process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keep it running until cancelled, then stop it."""
        wait = FIRST_WAIT_SECONDS
        try:
            while True:
                lived = await self._live()
                wait = FIRST_WAIT_SECONDS if lived > HEALTHY_SECONDS else min(2 * wait, LONGEST_WAIT_SECONDS)
                await asyncio.sleep(wait)
        finally:
            await self._stop()

    async def _live(self) -> float:
        clock = asyncio.get_running_loop().time
        started = clock()
        log = structlog.get_logger().bind(command=self._command[1:])
        try:
            self.process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, env=self._environment
            )
        except OSError as error:  # the machine has no memory or no process left, now
            log.error("a process cannot be started and is tried again", error=str(error))
            return 0.0
        code = await self.process.wait()
        log.error("a process ended and is started again", code=code)
        return clock() - started

    async def _stop(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
