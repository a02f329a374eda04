"""Rounds whose rows say where they are from, workers that answer as a test wants, and notices that are kept."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.dispatch import Link
from dualtrain.api.aggregator.remote import RemoteRounds
from dualtrain.api.aggregator.round import Timeouts
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.gradients import shards
from dualtrain.core.history import RecordedSteps
from dualtrain.core.rounds import State
from dualtrain.core.scheduling import Planner
from dualtrain.core.store import Brief, BundleResult, Exchange, Failure, Lease, RowsMessage, Worker, pack
from dualtrain.core.store.broker import Kind, Task

UNITS = 5
LEASE = Lease("j", 4)
STEP = 7
IDLE = Worker(id="w", host="h", pid=1, since="", seen="", numerics="", code="", doing=None)
HASTY = Timeouts(floor=0.05, first=0.05)

Answer = Callable[[Task, int], Sequence[RowsMessage]]
"""What comes back for a task that is sent for the n-th time."""


@dataclass(frozen=True)
class Numbered:
    """Rounds of some units; a unit's row is its number and the step, and the state after them holds all rows."""

    count: int = UNITS

    def units(self, step: int) -> int:
        return self.count

    def shards(self, step: int, shares: Sequence[float]) -> list[range]:
        return shards([1.0] * self.count, shares)

    def vector(self, state: State) -> NDArray[Any]:
        return state.parameters

    def advance(self, state: State, rows: Sequence[NDArray[Any]]) -> State:
        return State(state.step + 1, np.concatenate(rows), passes=state.passes + 1)


@dataclass(frozen=True)
class Trained:
    """A training of such rounds."""

    rounds: Numbered = field(default_factory=Numbered)
    total_steps: int = 100
    recorded_steps: RecordedSteps = field(default_factory=lambda: RecordedSteps(100, 10))

    def recorded(self, before: int, state: State) -> list[dict[str, Any]]:
        return [state.figures()]

    def rounds_between(self, before: int, after: int) -> int:
        return after - before


@dataclass
class Workers:
    """Stands where Celery does: each task is answered at once, as the test says."""

    exchange: Exchange
    answer: Answer
    sent: list[Task] = field(default_factory=list)

    def send(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.sent.append(task)
            times = sum((one.step, one.shard) == (task.step, task.shard) for one in self.sent)
            if answers := self.answer(task, times):
                self.exchange.send(task.job, task.token, answers)


@dataclass
class KeptNotices:
    """Notices that are kept: why the job waits, of retries the first shard and the code, and beside them why."""

    reasons: list[tuple[str | None, str]] = field(default_factory=list)
    retries: list[tuple[int, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def explain(self, code: str | None, message: str = "", *, renewed: bool = False) -> None:
        self.reasons.append((code, message))

    def retry(self, step: int, shard: int, code: str, message: str) -> None:
        self.retries.append((shard, code))
        self.messages.append(message)

    @property
    def waits(self) -> int:
        return sum(code == "waiting_for_workers" for code, _ in self.reasons)


class Uncounted:
    """Counters that nobody reads."""

    def add(self, name: str, labels: Any = None, value: float = 1) -> None:
        pass

    def observe(self, name: str, seconds: float, labels: Any = None, *, times: int = 1) -> None:
        pass


class Control(JobControl):
    """A control whose check a test may replace."""

    def __init__(self) -> None:
        super().__init__(LEASE, Event())
        self.look: Callable[[], None] = lambda: None

    def check(self) -> None:
        self.look()
        super().check()


@dataclass
class Scene:
    """The rounds of a job, with all that surrounds them."""

    exchange: Exchange
    answer: Answer
    shards: int | None = 3
    units: int = UNITS
    timeouts: Timeouts = HASTY
    control: Control = field(default_factory=Control)
    notices: KeptNotices = field(default_factory=KeptNotices)

    def __post_init__(self) -> None:
        self.workers = Workers(self.exchange, lambda task, times: self.answer(task, times))
        link = Link(self.exchange, self.workers, Brief({}, "code", "numerics"), workers=2)  # type: ignore[arg-type]
        self.remote = RemoteRounds(
            training=Trained(Numbered(self.units)),  # type: ignore[arg-type]
            link=link,
            control=self.control,
            notices=self.notices,  # type: ignore[arg-type]
            planner=Planner(self.shards),
            counters=Uncounted(),  # type: ignore[arg-type]
            timeouts=self.timeouts,
        )

    def run(self, step: int = STEP) -> State:
        """Return the state after the round or bundle at a step."""
        return self.remote.begin(State(step, np.zeros(3, np.float32)), evaluate=False, stop=step + 10).rounds()[0]

    @property
    def sent(self) -> list[Task]:
        return self.workers.sent


def message(task: Task, outcome: int, body: bytes, step: int | None = None) -> RowsMessage:
    return RowsMessage(task.step if step is None else step, task.shard, task.shards, outcome, 0.001, "w", body)


def done(task: Task) -> RowsMessage:
    """The result of a task."""
    return message(task, RowsMessage.DONE, RESULTS[task.kind](task))


def failed(task: Task, outcome: int = RowsMessage.FAILED, name: str = "OSError") -> RowsMessage:
    return message(task, outcome, Failure(name, "no luck").to_bytes())


def _rows(task: Task) -> bytes:
    return pack([np.array([unit, task.step], np.float32) for unit in range(task.first, task.last)])


def _bundle(task: Task) -> bytes:
    last = State(task.last, np.full(3, task.last, np.float32), passes=task.last - task.first)
    return BundleResult([last.parameters], last.figures(), [last.figures()]).to_bytes()


def _evaluation(task: Task) -> bytes:
    return json.dumps(Evaluation(task.step, 0.5, None, np.eye(10, dtype=np.int64)).document()).encode()


RESULTS: dict[Kind, Callable[[Task], bytes]] = {
    Kind.SHARD: _rows,
    Kind.BUNDLE: _bundle,
    Kind.EVALUATION: _evaluation,
}


def in_order(state: State, units: int = UNITS, step: int = STEP) -> bool:
    return state.parameters.reshape(-1, 2).tolist() == [[unit, step] for unit in range(units)]
