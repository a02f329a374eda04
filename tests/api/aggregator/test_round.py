"""A round ends with the whole set of its shards, whatever is lost, late, doubled or wrong on the way."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from api.aggregator import plans
from api.aggregator import round as round_module
from api.aggregator.dispatch import Messages
from api.aggregator.planner import Planner
from api.aggregator.plans import Plans
from api.aggregator.problems import Interrupted, JobFailed
from api.aggregator.round import ATTEMPTS, LOST_PROCESSES, Gatherer
from api.aggregator.saved import Origin
from core.gradients import shards
from core.job import Status
from core.rounds import State
from core.store import Exchange, Lease, Round, Rows, keys, pack
from core.store.broker import ShardTask

UNITS = 5


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


def rows_of(task: ShardTask) -> list[NDArray[Any]]:
    return [np.array([unit, task.step], np.float32) for unit in range(task.first, task.last)]


Answer = Callable[[ShardTask, int], Sequence[Rows]]
"""What comes back for a task that is sent for the n-th time."""


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


def rows(task: ShardTask, outcome: int, body: bytes, step: int | None = None) -> Rows:
    return Rows(task.step if step is None else step, task.shard, task.shards, outcome, 0.001, "w", body)


def taken(exchange: Redis, task: ShardTask, most: int = 100) -> list[ShardTask]:
    """The shards that a worker computes for a task."""
    return [task, *islice(iter(lambda: Exchange(exchange).take(task), None), most - 1)]


def done(task: ShardTask) -> Rows:
    return rows(task, Rows.DONE, pack(rows_of(task)))


def failed(task: ShardTask, outcome: int = Rows.FAILED, name: str = "OSError") -> Rows:
    return rows(task, outcome, b'{"type": "%s", "text": "no luck"}' % name.encode())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_module, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(round_module, "FLOOR_SECONDS", 0.05)


@pytest.fixture
def heard() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def gather(exchange: Redis, heard: list[tuple[str, dict[str, Any]]]) -> Iterator[Callable[..., Any]]:
    def gather(
        answer: Answer, check: Callable[[], None] = lambda: None, shards: int = 3, taper: bool = False
    ) -> tuple[Workers, Gatherer, Any]:
        workers, lease, training = (
            Workers(Exchange(exchange), answer),
            Lease("j", 4),
            Trained(Doubled(40 if taper else UNITS)),
        )
        planner = Planner(None, compute_seconds=0.1) if taper else Planner(shards)
        gatherer = Gatherer(
            lease,
            training,  # type: ignore[arg-type]
            {},
            Origin("code", "numerics"),
            Exchange(exchange),
            Plans(lease, training, planner, workers, lambda: False, workers=2),  # type: ignore[arg-type]
            check,
            lambda what, data: heard.append((what, data)),
        )
        return workers, gatherer, gatherer.measure(State(7, np.zeros(3, np.float32)))

    yield gather


def in_order(found: list[NDArray[Any]], units: int = UNITS, step: int = 7) -> bool:
    return [row.tolist() for row in found] == [[unit, step] for unit in range(units)]


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 9])
def test_the_rows_come_in_the_order_of_the_blocks(gather: Callable[..., Any], shards: int) -> None:
    workers, _, found = gather(lambda task, n: [done(task)], shards=shards)
    assert in_order(found)
    assert len(workers.sent) == min(shards, UNITS)


def test_duplicates_and_strays_are_dropped(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        wrong = pack([np.array([-1.0, -1.0], np.float32)])
        other_plan = Rows(task.step, task.shard, task.shards + 1, Rows.DONE, 0.0, "w", wrong)
        return [rows(task, Rows.DONE, wrong, step=6), other_plan, done(task), done(task)]

    _, _, found = gather(answer)
    assert in_order(found)


def test_what_does_not_come_back_is_sent_again_one_task_at_a_time(gather: Callable[..., Any], exchange: Redis) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(one) for one in taken(exchange, task)] if task.shard == 1 or n == 2 else []

    workers, gatherer, found = gather(answer)
    assert in_order(found)
    assert [task.shard for task in workers.sent] == [0, 1, 2, 0]
    assert {lane.shard: lane.retries for lane in gatherer.lanes} == {0: 1, 1: 0, 2: 1}


def test_one_worker_that_takes_all_that_is_offered_is_enough(gather: Callable[..., Any], exchange: Redis) -> None:
    """The task of another worker, which is busy elsewhere, is only waited for until nothing is missing."""

    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(one) for one in taken(exchange, task)] if task.shard == 0 or n == 2 else []

    workers, gatherer, found = gather(answer, taper=True)
    assert in_order(found, 40)
    assert len(gatherer.lanes) == 8
    assert [task.shard for task in workers.sent] == [0, 1, 1]


def test_what_a_lost_process_had_taken_is_sent_again_once_no_task_is_out(
    gather: Callable[..., Any], exchange: Redis, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    lost: list[ShardTask] = []

    def answer(task: ShardTask, n: int) -> list[Rows]:
        shards = taken(exchange, task, 3 if task.shard == 0 and n == 1 else 100)
        if task.shard == 0 and n == 1:
            lost.extend(shards)
            return [failed(task, Rows.LOST, "WorkerLostError")]
        return [done(one) for one in reversed(shards)]

    workers, gatherer, found = gather(answer, taper=True)
    assert in_order(found, 40)
    assert [task.shard for task in lost] == [0, 2, 3]
    assert [task.shard for task in workers.sent] == [0, 1, 0, 2]
    assert [data["code"] for what, data in heard if what == "retry"] == ["worker_lost"] * 2
    assert sorted(lane.shard for lane in gatherer.lanes if lane.retries) == [0, 2, 3]


def test_a_lost_process_is_replaced_at_once_and_told(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]]
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task, Rows.LOST, "WorkerLostError")] if task.shard == 0 and n < 4 else [done(task)]

    _, _, found = gather(answer)
    assert in_order(found)
    told = [data for what, data in heard if what == "retry"]
    assert [data["code"] for data in told] == ["worker_lost"] * 3


def test_a_shard_that_kills_every_process_fails_the_job(gather: Callable[..., Any]) -> None:
    with pytest.raises(JobFailed, match=f"took {LOST_PROCESSES} worker processes"):
        gather(lambda task, n: [failed(task, Rows.LOST, "WorkerLostError")] if task.shard else [done(task)])


def test_an_exception_that_may_pass_is_tried_again_a_bounded_number_of_times(gather: Callable[..., Any]) -> None:
    _, _, found = gather(lambda task, n: [done(task) if n == ATTEMPTS else failed(task)])
    assert in_order(found)
    with pytest.raises(JobFailed, match="OSError: no luck"):
        gather(lambda task, n: [failed(task)])


def test_an_exception_that_would_come_again_fails_the_job_at_once(gather: Callable[..., Any]) -> None:
    sent: list[ShardTask] = []

    def answer(task: ShardTask, n: int) -> list[Rows]:
        sent.append(task)
        return [failed(task, name="ValueError")]

    with pytest.raises(JobFailed, match="ValueError: no luck .shard 0 of step 7 on worker w"):
        gather(answer)
    assert len(sent) == 3


@pytest.mark.parametrize(("refusals", "told"), [(1, 0), (2, 1), (5, 4)])
def test_foreign_workers_only_delay_and_are_told_of_when_there_are_no_others(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]], refusals: int, told: int
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(task) if n > refusals else failed(task, Rows.REFUSED, "data_unavailable")]

    _, _, found = gather(answer, shards=1)
    assert in_order(found)
    assert [data for what, data in heard if what == "refused"] == [
        {"type": "data_unavailable", "text": "no luck"}
    ] * told
    assert not [what for what, _ in heard if what == "retry"]


def test_what_is_pending_is_written_once_the_next_round_is_with_the_workers(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    seen: list[int] = []
    gatherer.pending.append(lambda: seen.append(len(workers.sent)))
    gatherer.measure(State(8, np.zeros(3, np.float32)))
    gatherer.measure(State(9, np.zeros(3, np.float32)))
    assert seen == [6]  # the three shards of the round before, and the three of this one; and once only


def test_a_job_that_was_paused_publishes_nothing_more(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])

    def paused() -> None:
        raise Interrupted(Status.PAUSED)

    gatherer.check = paused
    with pytest.raises(Interrupted):
        gatherer.measure(State(8, np.zeros(3, np.float32)))
    assert len(workers.sent) == 3


def test_a_pause_ends_the_wait(gather: Callable[..., Any]) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise Interrupted(Status.PAUSED)

    with pytest.raises(Interrupted):
        gather(lambda task, n: [], check)


def test_everything_is_published_again_when_the_exchange_came_back_empty(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Exchange.receive, []

    def receive(self: Exchange, job_id: str, token: int, seconds: float) -> list[Rows]:
        calls.append(1)
        if len(calls) == 2:
            exchange.flushall()
            raise NoConnection("gone")
        return real(self, job_id, token, seconds)

    monkeypatch.setattr(Exchange, "receive", receive)
    workers, _, found = gather(lambda task, n: [done(task)] if task.shard == 0 or len(calls) > 1 else [])
    assert in_order(found)
    assert [task.shard for task in workers.sent] == [0, 1, 2, 1, 2]
    assert exchange.exists("dualtrain:brief:j")


def ahead(workers: Workers, gatherer: Gatherer) -> list[tuple[int, int]]:
    """Make a round of a job that has the workers to itself; return the steps and shards of what was sent with it."""
    gatherer.plans.alone = lambda: True
    before = len(workers.sent)
    assert in_order(gatherer.measure(State(8, np.zeros(3, np.float32))), step=8)
    return [(task.step, task.shard) for task in workers.sent[before:]]


def of(step: int, *shards: int) -> list[tuple[int, int]]:
    return [(step, shard) for shard in shards]


def test_a_job_alone_sends_the_tasks_of_a_round_once_and_with_the_round_before(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2)
    assert in_order(gatherer.measure(State(9, np.zeros(3, np.float32))), step=9)
    assert len(workers.sent) == 9  # nothing for step 10, which there is not
    assert {lane.retries for lane in gatherer.lanes} == {0}


def test_what_is_offered_is_offered_with_its_round(gather: Callable[..., Any], exchange: Redis) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(one) for one in taken(exchange, task)], taper=True)
    gatherer.plans.alone = lambda: True
    for step in (8, 9):
        assert in_order(gatherer.measure(State(step, np.zeros(3, np.float32))), 40, step)
    assert [(task.step, task.shard) for task in workers.sent[-4:]] == of(8, 0, 1) + of(9, 0, 1)
    assert {task.offered for task in workers.sent} == {6}


def test_messages_are_made_a_round_ahead_and_used_once(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task) if task[2:4] == (9, 1) and n == 1 else done(task)]

    workers, gatherer, _ = gather(answer)
    for step in (8, 9):
        assert in_order(gatherer.measure(State(step, np.zeros(3, np.float32))), step=step)
    assert [(task.step, task.shard) for task in workers.made] == of(9, 0, 1, 2)  # nothing was known at step 7
    assert [(task.step, task.shard) for task in workers.sent[6:]] == of(9, 0, 1, 2) + of(9, 1)


def test_messages_that_were_made_outlast_what_is_sent_again_meanwhile(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task) if task[2:4] == (8, 1) and n == 1 else done(task)]

    workers, gatherer, _ = gather(answer)
    for step in (8, 9):
        gatherer.measure(State(step, np.zeros(3, np.float32)))
    assert [(task.step, task.shard) for task in workers.made] == of(9, 0, 1, 2)


def test_tasks_that_were_sent_ahead_need_no_messages(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    ahead(workers, gatherer)
    gatherer.measure(State(9, np.zeros(3, np.float32)))
    assert workers.made == []


@pytest.mark.parametrize("why", ["another job", "long rounds", "many tasks"])
def test_nothing_is_sent_ahead_where_waiting_would_cost(
    gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    if why == "long rounds":
        gatherer.plans.durations.extend([plans.SHORT_SECONDS + 0.1] * 2)
        assert ahead(workers, gatherer) == of(8, 0, 1, 2)
    elif why == "many tasks":
        monkeypatch.setattr(plans, "AHEAD_TASKS", 2)
        assert ahead(workers, gatherer) == of(8, 0, 1, 2)
    else:
        gatherer.measure(State(8, np.zeros(3, np.float32)))
        assert len(workers.sent) == 6


@pytest.mark.parametrize("outcome", [Rows.LOST, Rows.LEFT, Rows.REFUSED])
def test_a_round_is_sent_anew_when_a_process_that_was_to_wait_for_it_is_gone(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]], outcome: int
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        gone = task._replace(step=9, shard=1)
        return [failed(gone, outcome), done(task)] if task[2:4] == (8, 0) else [done(task)]

    workers, gatherer, _ = gather(answer)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2)
    workers.waiting.clear()
    assert in_order(gatherer.measure(State(9, np.zeros(3, np.float32))), step=9)
    assert [(task.step, task.shard) for task in workers.sent[9:]] == of(9, 0, 1, 2)
    assert not [what for what, _ in heard if what in ("retry", "waiting")]


def test_one_that_did_not_wait_long_enough_is_replaced_at_once_and_quietly(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]]
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task) if n == 2 else failed(task, Rows.LEFT, "Late")], shards=1)
    assert [task.shard for task in workers.sent] == [0, 0]
    assert not [what for what, _ in heard if what == "retry"]


def test_whoever_waits_for_the_next_round_is_let_go_when_something_is_sent_again(
    gather: Callable[..., Any], exchange: Redis
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task, Rows.LOST, "WorkerLostError")] if task[2:4] == (8, 2) and n == 1 else [done(task)]

    workers, gatherer, _ = gather(answer)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2) + of(8, 2)
    assert Exchange(exchange).read(workers.sent[6], np.dtype(np.float32)) is None
    gatherer.plans.planner.asked = 2  # tasks of the old plan may still be computed, so it must not change
    assert in_order(gatherer.measure(State(9, np.zeros(3, np.float32))), step=9)
    assert [(task.step, task.shard) for task in workers.sent[10:]] == of(9, 0, 1, 2)
    assert {task[3:] for task in workers.sent[6:9]} == {task[3:] for task in workers.sent[10:]}


def test_tasks_that_were_lost_with_the_exchange_are_not_counted_on(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Exchange.receive, []
    workers, gatherer, _ = gather(lambda task, n: [done(task)])

    def receive(self: Exchange, job_id: str, token: int, seconds: float) -> list[Rows]:
        calls.append(1)
        if len(calls) == 1:
            exchange.flushall()
            workers.waiting.clear()
            raise NoConnection("gone")
        return real(self, job_id, token, seconds)

    monkeypatch.setattr(Exchange, "receive", receive)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2) + of(8, 0, 1, 2)
    assert in_order(gatherer.measure(State(9, np.zeros(3, np.float32))), step=9)
    assert [(task.step, task.shard) for task in workers.sent[12:]] == of(9, 0, 1, 2)


def test_tasks_that_were_lost_before_their_round_could_be_sent_are_not_counted_on(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    ahead(workers, gatherer)
    real, calls = Workers.send, []

    def send(self: Workers, *sent: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            workers.waiting.clear()
            raise NoConnection("gone")
        real(self, *sent, **more)

    monkeypatch.setattr(Workers, "send", send)
    assert in_order(gatherer.measure(State(9, np.zeros(3, np.float32))), step=9)
    assert [(task.step, task.shard) for task in workers.sent[9:]] == of(9, 0, 1, 2)
    assert not [what for what, _ in heard if what in ("retry", "waiting")]


def test_who_cannot_be_seen_for_a_while_is_still_planned_for(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, gatherer, _ = gather(lambda task, n: [done(task)])
    Exchange(exchange).beat({"id": "w", "doing": None})
    gatherer.look()
    assert gatherer.plans.workers == 1

    def away(self: Exchange) -> int:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "count_workers", away)
    gatherer.look()
    assert gatherer.plans.workers == 1


class Enough(Exception):
    """The test has seen what it wanted to."""


def test_without_workers_it_is_sent_again_once_and_waits_in_the_queue(
    gather: Callable[..., Any], heard: list[tuple[str, dict[str, Any]]]
) -> None:
    sent: list[ShardTask] = []

    def answer(task: ShardTask, n: int) -> list[Rows]:
        sent.append(task)
        return []

    def check() -> None:
        if [what for what, _ in heard].count("waiting") == 3:
            raise Enough

    with pytest.raises(Enough):
        gather(answer, check, shards=1)
    assert len(sent) == 2


def test_patience_never_shrinks(gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    Exchange(exchange).beat({"id": "w", "doing": None})
    monkeypatch.setattr(round_module, "LONGEST_SECONDS", 0.01)
    started = time.monotonic()
    gather(lambda task, n: [done(task)] if n == 3 else [], shards=1)
    assert time.monotonic() - started >= 2 * 0.05


def test_what_a_job_is_is_told_again_before_it_expires(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, gatherer, _ = gather(lambda task, n: [done(task)])
    exchange.delete(keys.brief("j"))
    gatherer.measure(State(8, np.zeros(3, np.float32)))
    assert not exchange.exists(keys.brief("j"))
    monkeypatch.setattr(round_module, "EXPIRES_SECONDS", 0)
    gatherer.measure(State(9, np.zeros(3, np.float32)))
    assert exchange.exists(keys.brief("j"))
