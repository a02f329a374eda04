"""Rounds whose rows say where they are from, workers that answer as a test wants, and who hears how it goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from redis import Redis

from dualtrain.api.aggregator.dispatch import Messages
from dualtrain.api.aggregator.gatherer import Gatherer
from dualtrain.api.aggregator.report import Lane
from dualtrain.core.gradients import shards
from dualtrain.core.rounds import State
from dualtrain.core.store import Exchange, Failure, Round, Rows, Worker, pack
from dualtrain.core.store.broker import ShardTask

UNITS = 5
IDLE = Worker(id="w", host="h", pid=1, since="", seen="", numerics="", code="", doing=None)

Answer = Callable[[ShardTask, int], Sequence[Rows]]
"""What comes back for a task that is sent for the n-th time."""


@dataclass(frozen=True)
class Doubled:
    """Rounds of some units; a unit's row is its number and the step."""

    count: int = UNITS

    def units(self, step: int) -> int:
        return self.count

    def length(self, step: int) -> int:
        return 1

    def shards(self, step: int, shares: Sequence[float]) -> list[range]:
        return shards([1.0] * self.count, shares)

    def vector(self, state: State) -> NDArray[Any]:
        return state.parameters


@dataclass(frozen=True)
class Trained:
    rounds: Doubled = field(default_factory=Doubled)
    total_steps: int = 10


@dataclass
class Workers:
    """Stands where the broker does: each task is answered once its round is there, as the test says."""

    exchange: Exchange
    answer: Answer
    sent: list[ShardTask] = field(default_factory=list)
    waiting: list[ShardTask] = field(default_factory=list)
    made: list[ShardTask] = field(default_factory=list)
    """Tasks that were sent by a message that had been made before."""

    def messages(self, tasks: list[ShardTask]) -> Messages:
        return dict.fromkeys(tasks, "message")

    def send(
        self,
        job: str,
        round_: Round,
        tasks: list[ShardTask],
        offered: list[ShardTask],
        withdrawn: int | None = None,
        made: Messages = MappingProxyType({}),
    ) -> None:
        assert set(made) <= set(tasks)
        self.made += made
        self.exchange.put(job, round_, offered, withdrawn)
        self.sent += tasks
        self.waiting = [one for one in (*self.waiting, *tasks) if one.step != withdrawn]
        for task in [one for one in self.waiting if one.step == round_.step]:
            self.waiting.remove(task)
            if answers := self.answer(task, [one[2:4] for one in self.sent].count(task[2:4])):
                self.exchange.send(task.job, task.token, answers)


@dataclass
class Heard:
    """Watches rounds, and keeps what it hears: of retries the first shard and the code, and beside them why."""

    check: Callable[[], None] = lambda: None
    came: int = 0
    waits: int = 0
    refusals: list[Failure] = field(default_factory=list)
    retries: list[tuple[int, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    rounds: list[tuple[float, list[Lane]]] = field(default_factory=list)

    def working(self) -> None:
        self.came += 1

    def waiting(self) -> None:
        self.waits += 1

    def refused(self, failure: Failure) -> None:
        self.refusals.append(failure)

    def sent_again(self, step: int, shard: int, code: str, message: str) -> None:
        self.retries.append((shard, code))
        self.messages.append(message)

    def measured(self, seconds: float, lanes: Sequence[Lane]) -> None:
        self.rounds.append((seconds, list(lanes)))


def rows(task: ShardTask, outcome: int, body: bytes, step: int | None = None) -> Rows:
    return Rows(task.step if step is None else step, task.shard, task.shards, outcome, 0.001, "w", body)


def done(task: ShardTask) -> Rows:
    found = [np.array([unit, task.step], np.float32) for unit in range(task.first, task.last)]
    return rows(task, Rows.DONE, pack(found))


def failed(task: ShardTask, outcome: int = Rows.FAILED, name: str = "OSError") -> Rows:
    return rows(task, outcome, Failure(name, "no luck").to_bytes())


def taken(exchange: Redis, task: ShardTask, most: int = 100) -> list[ShardTask]:
    """The shards that a worker computes for a task."""
    return [task, *islice(iter(lambda: Exchange(exchange).take(task), None), most - 1)]


def measure(gatherer: Gatherer, step: int) -> list[NDArray[Any]]:
    return gatherer.measure(State(step, np.zeros(3, np.float32)))


def in_order(found: list[NDArray[Any]], units: int = UNITS, step: int = 7) -> bool:
    return [row.tolist() for row in found] == [[unit, step] for unit in range(units)]


def of(step: int, *shards: int) -> list[tuple[int, int]]:
    return [(step, shard) for shard in shards]


def named(tasks: Sequence[ShardTask]) -> list[tuple[int, int]]:
    """The steps and shards of tasks."""
    return [(task.step, task.shard) for task in tasks]
