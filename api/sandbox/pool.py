"""A pool of child processes that serves its callers in turn: few requests of each at a time, the others wait or go."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from dualtrain.api.sandbox.child import LONG_NICENESS, Answer, Child
from dualtrain.api.sandbox.errors import Busy, CannotStart, Failed
from dualtrain.api.sandbox.limits import Limits
from dualtrain.api.sandbox.messages import Message

TURN_SECONDS = 30.0
"""How long a request may wait for its turn."""
IDLE_SECONDS = 60.0
"""How long a child that is not needed is kept."""


@dataclass(frozen=True)
class Rules:
    """Limits of a pool. `admitted_per_caller` counts the requests whose body is read, that wait, and that run."""

    processes: int
    running_per_caller: int
    admitted_per_caller: int
    limits: Limits
    niceness: int = LONG_NICENESS
    spooled_bytes_per_caller: int = 512 << 20
    spare: int = 0
    """Idle children that are kept warm."""


@dataclass
class Pool:
    """Child processes of one kind, used from one event loop. `variables`: of their environment."""

    rules: Rules
    variables: Mapping[str, str] = field(default_factory=dict)
    _admitted: Counter[str] = field(default_factory=Counter)
    _spooled: Counter[str] = field(default_factory=Counter)
    _running: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)
    _idle: list[tuple[float, Child]] = field(default_factory=list)
    _warming: asyncio.Task[None] | None = None

    @contextmanager
    def admitted(self, caller: str) -> Iterator["Admission"]:
        """Count a request of a caller from its head to its reply. Raises Busy when the caller has too many."""
        most = self.rules.admitted_per_caller
        if self._admitted[caller] >= most:
            raise Busy(f"{most} requests of this kind are in work for this key; wait for one of them")
        self._admitted[caller] += 1
        admission = Admission(self, caller)
        try:
            yield admission
        finally:
            _decrement(self._admitted, caller)
            _decrement(self._spooled, caller, admission.size_bytes)

    def spool(self, caller: str, size_bytes: int) -> None:
        """Count bytes of a body on the disk. Raises Busy when the bodies of the caller are too large together."""
        most = self.rules.spooled_bytes_per_caller
        if self._spooled[caller] + size_bytes > most:
            raise Busy(f"the bodies of this key's requests in work have more than {most:,} bytes together")
        self._spooled[caller] += size_bytes

    async def run(
        self,
        caller: str,
        operation: str,
        arguments: dict[str, Any],
        files: tuple[int, ...] = (),
        answer: Answer | None = None,
    ) -> Message:
        """Return the reply of a child to a request, once it is the caller's turn.

        Raises Busy, CannotStart, and the exceptions of `Child.call`. Cancelling it ends the child.
        """
        await self._turn(caller)
        try:
            child = await self._child()
            try:
                message = Message(arguments, files=files)
                return await child.call(operation, message, self.rules.limits, answer or _no_answer)
            finally:
                self._give_back(child)
        finally:
            _decrement(self._running, caller)
            self._next()

    def warm(self) -> None:
        """Start spare children in the background."""
        if len(self._idle) < self.rules.spare and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self._warm())

    async def close(self) -> None:
        """End all idle children; those at work end with their requests."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        idle = [child for _, child in self._idle]
        self._idle.clear()
        await asyncio.gather(*(child.end() for child in idle))

    async def _turn(self, caller: str) -> None:
        """Wait until a process is free for the caller. Raises Busy when that takes too long."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        self._next()
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await turn
        except BaseException as error:
            self._forget(caller, turn)
            if isinstance(error, TimeoutError):
                raise Busy(f"no process was free for {TURN_SECONDS:.0f} s") from None
            raise

    def _next(self) -> None:
        """Give free processes to waiting callers: to the one with the fewest running."""
        while self._running.total() < self.rules.processes:
            most = self.rules.running_per_caller
            callers = [caller for caller in self._waiting if self._running[caller] < most]
            if not callers:
                return
            caller = min(callers, key=self._running.__getitem__)
            turns = self._waiting.pop(caller)
            turns.popleft().set_result(None)
            if turns:
                self._waiting[caller] = turns  # behind the other callers
            self._running[caller] += 1

    def _forget(self, caller: str, turn: asyncio.Future[None]) -> None:
        """Take a request out that does not wait any longer, whether it had its turn or not."""
        if turn.done() and not turn.cancelled():
            _decrement(self._running, caller)
            self._next()
        elif turn in (turns := self._waiting.get(caller, deque())):
            turns.remove(turn)
            if not turns:
                del self._waiting[caller]

    async def _child(self) -> Child:
        while self._idle:
            _, child = self._idle.pop()
            if child.usable:
                return child
        return await Child(self.variables, self.rules.niceness).ready()

    def _give_back(self, child: Child) -> None:
        if child.usable:
            self._keep(child)
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._trim)
        self.warm()

    def _keep(self, child: Child) -> None:
        self._idle.append((time.monotonic(), child))

    def _trim(self) -> None:
        """End children that have been idle for long, unless they are spare ones; the first has been for longest."""
        while len(self._idle) > self.rules.spare and time.monotonic() - self._idle[0][0] >= IDLE_SECONDS:
            self._idle.pop(0)[1].kill()

    async def _warm(self) -> None:
        while len(self._idle) < self.rules.spare:
            try:
                self._keep(await Child(self.variables, self.rules.niceness).ready())
            except CannotStart as error:
                structlog.get_logger().warning("no spare child process", error=str(error))
                return


@dataclass
class Admission:
    """A request of a caller that is counted; `size_bytes` of its body are on the disk."""

    pool: Pool
    caller: str
    size_bytes: int = 0

    def spool(self, size_bytes: int) -> None:
        """Count more bytes of the body. Raises Busy."""
        self.pool.spool(self.caller, size_bytes)
        self.size_bytes += size_bytes


def _decrement(counter: Counter[str], name: str, by: int = 1) -> None:
    counter[name] -= by
    if counter[name] <= 0:
        del counter[name]


async def _no_answer(question: dict[str, Any]) -> Message:
    raise Failed(f"an operation asks {question} that needs no answer")
