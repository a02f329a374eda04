"""The faults: what each aims at while it is in flight, what it does, how it is undone."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from redis.exceptions import RedisError

from dualtrain.core.job import Reason, Status
from dualtrain.core.store import Conflict, UnknownJob
from dualtrain.core.store.broker import QUEUE, transport_options
from tests.chaos.programs import computing
from tests.chaos.stack import Stack

Undo = Callable[[], object]
Aim = Callable[[Stack], list[Any]]
"""Returns what of the stack has part in an unfinished round at this moment."""
AIM_SECONDS = 10.0
"""How long a fault waits for something in flight before it strikes anyhow, and counts as a miss."""


@dataclass(frozen=True)
class Fault:
    """`strike` hurts one of what `aim` finds and returns how to undo it, after some seconds between `lasts`."""

    aim: Aim
    anything: Aim
    strike: Callable[[Stack, Any], Undo | None]
    lasts: tuple[float, float] = (0.0, 0.0)
    weight: int = 1


def choose(stack: Stack, fault: Fault, chance: random.Random) -> tuple[Any, bool]:
    """Return what to strike, and whether it has part in a round."""
    end = time.monotonic() + AIM_SECONDS
    while time.monotonic() < end:
        if found := fault.aim(stack):
            return chance.choice(found), True
        time.sleep(0.001)
    found = fault.anything(stack)
    return (chance.choice(found) if found else None), False


def computing_processes(stack: Stack) -> list[psutil.Process]:
    """Pool processes whose shard is being computed."""
    return [process for process in pool_processes(stack) if computing(process)]


def pool_processes(stack: Stack) -> list[psutil.Process]:
    """All pool processes."""
    return [process for worker in stack.workers for process in stack.pool(worker)]


def busy_workers(stack: Stack) -> list[str]:
    """Workers with a process that computes a shard."""
    return [worker for worker in stack.workers if any(computing(process) for process in stack.pool(worker))]


def gathering_replicas(stack: Stack) -> list[str]:
    """Replicas whose aggregator waits for the rows of a round."""
    waiting = stack.gathering()
    return [name for name in stack.replicas if stack.link[name, "exchange"].ports & waiting]


def gathering(stack: Stack) -> list[str]:
    """Something when any round is waited for."""
    return ["a round"] if stack.gathering() else []


def queued_messages(stack: Stack) -> list[bytes]:
    """Shard tasks that no worker has taken yet."""
    try:
        return list(stack.exchange.lrange(_queue(), 0, -1))
    except RedisError:
        return []


def running_jobs(stack: Stack) -> list[str]:
    """Jobs that run while a round is waited for."""
    try:
        return stack.jobs.ids(Status.RUNNING) if stack.gathering() else []
    except RedisError:
        return []


def kill_process(stack: Stack, process: psutil.Process) -> None:
    """kill -9."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def stop_process(stack: Stack, process: psutil.Process) -> Undo:
    """SIGSTOP, undone by SIGCONT."""
    with suppress(psutil.NoSuchProcess):
        process.suspend()
    return lambda: _resume(process)


def kill_program(stack: Stack, name: str) -> None:
    """kill -9 of a program's first process; what belongs to it dies with it."""
    if process := stack.program[name].process:
        kill_process(stack, process)


def stop_program(stack: Stack, name: str) -> Undo | None:
    """SIGSTOP of a program's first process."""
    process = stack.program[name].process
    return stop_process(stack, process) if process else None


def terminate_program(stack: Stack, name: str) -> None:
    """SIGTERM: what an operator's restart does."""
    if process := stack.program[name].process:
        process.terminate()


def kill_aggregator(stack: Stack, replica: str) -> None:
    """kill -9 of a replica's aggregator; the replica starts another."""
    if process := stack.aggregator(replica):
        kill_process(stack, process)


def stop_aggregator(stack: Stack, replica: str) -> Undo | None:
    """SIGSTOP of a replica's aggregator, longer than its leases last: it wakes up as a stranger to its jobs."""
    process = stack.aggregator(replica)
    return stop_process(stack, process) if process else None


def cut(stack: Stack, name: str) -> Undo:
    """End all connections of a program, and let none be made."""
    links = [link for (owner, _), link in stack.link.items() if owner == name]
    for link in links:
        link.refusing = True
        link.cut()

    def undo() -> None:
        for link in links:
            link.refusing = False

    return undo


def half_open(stack: Stack, name: str) -> None:
    """Let all connections of a program go dead without a word."""
    for (owner, _), link in stack.link.items():
        if owner == name:
            link.half_open()


def slow_down(stack: Stack, name: str) -> Undo:
    """Delay all data between a program and the exchange."""
    link = stack.link[name, "exchange"]
    link.delay_seconds = 0.15
    return lambda: setattr(link, "delay_seconds", 0.0)


def duplicate(stack: Stack, message: bytes) -> None:
    """Put a shard task on the queue twice more."""
    with suppress(RedisError):
        stack.exchange.lpush(_queue(), message, message)


def delay(stack: Stack, message: bytes) -> Undo:
    """Take a shard task off the queue and bring it back when its round is long over."""
    with suppress(RedisError):
        stack.exchange.lrem(_queue(), 1, message)
    return lambda: stack.exchange.lpush(_queue(), message)


def pause(stack: Stack, job_id: str) -> Undo:
    """Pause a job, undone by resuming it."""
    _move(stack, job_id, Status.PAUSED)
    return lambda: _move(stack, job_id, Status.RUNNING)


def _move(stack: Stack, job_id: str, to: Status) -> None:
    with suppress(Conflict, UnknownJob):
        stack.jobs.move(job_id, to, Reason(code="chaos", message="the driver asked for it"))


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


def _queue() -> str:
    return str(transport_options("redis://")["global_keyprefix"]) + QUEUE


def _only(name: str) -> Aim:
    return lambda stack: [name] if stack.gathering() else []


def _workers(stack: Stack) -> list[str]:
    return stack.workers


def _replicas(stack: Stack) -> list[str]:
    return stack.replicas


def _nothing(stack: Stack) -> list[str]:
    return []


def _server(name: str, strike: Any, lasts: tuple[float, float] = (0.0, 0.0), weight: int = 1) -> Fault:
    return Fault(_only(name), lambda stack: [name], strike, lasts, weight)


FAULTS: dict[str, Fault] = {
    "kill pool process": Fault(computing_processes, pool_processes, kill_process, weight=6),
    "stop pool process": Fault(computing_processes, pool_processes, stop_process, (0.5, 4.0), 3),
    "kill worker": Fault(busy_workers, _workers, kill_program, weight=4),
    "stop worker": Fault(busy_workers, _workers, stop_program, (0.5, 4.0), 2),
    "terminate worker": Fault(busy_workers, _workers, terminate_program, weight=2),
    "cut worker": Fault(busy_workers, _workers, cut, (0.0, 2.0), 3),
    "half-open worker": Fault(busy_workers, _workers, half_open, weight=2),
    "slow worker": Fault(busy_workers, _workers, slow_down, (0.5, 2.0), 2),
    "kill aggregator": Fault(gathering_replicas, _replicas, kill_aggregator, weight=5),
    "stop aggregator": Fault(gathering_replicas, _replicas, stop_aggregator, (1.0, 6.0), 3),
    "kill API": Fault(gathering_replicas, _replicas, kill_program, weight=4),
    "terminate API": Fault(gathering_replicas, _replicas, terminate_program, weight=1),
    "cut API": Fault(gathering_replicas, _replicas, cut, (0.0, 4.0), 3),
    "half-open API": Fault(gathering_replicas, _replicas, half_open, weight=2),
    "slow API": Fault(gathering_replicas, _replicas, slow_down, (0.5, 2.0), 2),
    "kill store": _server("store", kill_program, weight=3),
    "stop store": _server("store", stop_program, (0.3, 4.0), 1),
    "kill exchange": _server("exchange", kill_program, weight=4),
    "stop exchange": _server("exchange", stop_program, (0.3, 4.0), 1),
    "duplicate messages": Fault(queued_messages, _nothing, duplicate, weight=4),
    "delay messages": Fault(queued_messages, _nothing, delay, (0.2, 3.0), 4),
    "pause": Fault(running_jobs, _nothing, pause, (0.0, 1.0), 3),
}
