"""One child process, seen from the API."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from dualtrain.api.sandbox.errors import CannotStart, OverLimit, restore
from dualtrain.api.sandbox.limits import Limits
from dualtrain.api.sandbox.messages import Message, receive_soon, send_soon

COMMAND = (sys.executable, "-P", "-m", "dualtrain.api.sandbox")
"""`-P`: a file of the folder in which the API stands is not imported."""
START_SECONDS = 60.0
LONG_SECONDS = 1.0
"""A request that takes longer runs behind everything else, the workers included."""
LONG_NICENESS = 19
PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "HF_HOME",
    "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE",
)  # fmt: skip
"""Variables of the API's environment that its children have; keys, passwords and tokens are not among them."""
ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONUNBUFFERED": "1"}
"""Arrow's own allocator would reserve 1 GiB of address space, more than some limits leave."""

Answer = Callable[[dict[str, Any]], Awaitable[Message]]
"""Answers a question of a child."""


class Child:
    """A process that serves one request at a time."""

    def __init__(self, variables: Mapping[str, str], niceness: int) -> None:
        """Start a process; `variables` are added to its environment. It serves once `ready` has returned.

        Raises CannotStart.
        """
        self._channel, theirs = socket.socketpair()
        self._channel.setblocking(False)
        self._end: asyncio.Future[int] | None = None
        try:
            with theirs:
                self._process = subprocess.Popen(COMMAND, stdin=theirs.fileno(), env=environment(variables))
        except OSError as error:
            self._channel.close()
            raise CannotStart(f"a child process cannot be started: {error}") from error
        self._first_niceness = max(niceness, os.getpriority(os.PRIO_PROCESS, 0))  # less than the API's is not allowed
        self._renice(self._first_niceness)

    async def ready(self) -> "Child":
        """Return this child as soon as it can serve. Raises CannotStart."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await receive_soon(self._channel)
        except (TimeoutError, OSError) as error:
            self.kill()
            raise CannotStart(f"a child process does not start: {error!r}") from error
        except BaseException:
            self.kill()
            raise
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """True if the process is alive and may get another request."""
        return self._end is None and self._process.poll() is None

    async def call(self, operation: str, message: Message, limits: Limits, answer: Answer) -> Message:
        """Return the reply to a request; `message` has its arguments and files.

        Raises the operation's own exceptions, OverLimit when it took too much, Failed for an unexpected exception.
        Cancelling this call ends the process.
        """
        demotion = asyncio.get_running_loop().call_later(LONG_SECONDS, self._renice, LONG_NICENESS)
        try:
            return await self._call(operation, message, limits, answer)
        finally:
            demotion.cancel()
            if self._niceness > self._first_niceness:  # for good
                self.kill()

    async def _call(self, operation: str, message: Message, limits: Limits, answer: Answer) -> Message:
        request = {"operation": operation, "arguments": message.document, "limits": limits.document()}
        try:
            async with asyncio.timeout(limits.wall_seconds):
                await send_soon(self._channel, Message(request, message.block, message.files))
                reply, refusal = await self._reply(answer)
        except TimeoutError:
            self.kill()
            raise OverLimit(f"it takes more than {limits.wall_seconds:.0f} s") from None
        except OSError as error:  # BrokenMessage is one
            raise await self._cause(error, limits) from error
        except BaseException:
            self.kill()
            raise
        if reply.document.get("tired"):
            self.kill()
        if refusal is not None:
            raise refusal
        if "error" in reply.document:
            raise restore(reply.document)
        return reply

    def _renice(self, niceness: int) -> None:
        """Let the process compute behind others; its niceness cannot become less again."""
        self._niceness = niceness
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, niceness)

    def kill(self) -> None:
        """End the process."""
        if self._end is None:
            self._channel.close()
            self._process.kill()
            self._end = asyncio.get_running_loop().run_in_executor(None, self._process.wait)

    async def end(self) -> int:
        """End the process, wait for that, and return its exit status."""
        self.kill()
        assert self._end is not None
        return await self._end

    async def _reply(self, answer: Answer) -> tuple[Message, Exception | None]:
        """Return the reply, after the child's questions, and what `answer` raised for one of them."""
        refusal: Exception | None = None
        while "question" in (reply := await receive_soon(self._channel)).document:
            try:
                response = await answer(reply.document["question"])
            except Exception as error:
                refusal = error
                response = Message({"abandoned": True})
            await send_soon(self._channel, response)
        return reply, refusal

    async def _cause(self, error: OSError, limits: Limits) -> Exception:
        """Return why the child ended."""
        code = await self.end()
        structlog.get_logger().warning("a child process ended", code=code, error=str(error))
        if code == -signal.SIGXCPU:
            return OverLimit(f"it takes more than {limits.processor_seconds} s of a processor")
        return OverLimit("the process that read it ended; it may take too much memory")


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: nothing of the API's own but what `PASSED_ON` names."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed | ENVIRONMENT | dict(variables)
