"""A round ends with the whole set of its shards, in order, or with the reason why it cannot; a pause ends the wait."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from redis import Redis

from dualtrain.api.aggregator.ends import Interrupted, JobFailed
from dualtrain.api.aggregator.round import ATTEMPTS, LOST_PROCESSES
from dualtrain.core.job import Status
from dualtrain.core.store import Failure, Rows, pack
from dualtrain.core.store.broker import ShardTask
from tests.api.aggregator.rounds import UNITS, Heard, done, failed, in_order, measure, rows, taken


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 9])
def test_the_rows_come_in_the_order_of_the_blocks(gather: Callable[..., Any], heard: Heard, shards: int) -> None:
    workers, _, found = gather(lambda task, n: [done(task)], shards=shards)
    assert in_order(found)
    assert len(workers.sent) == heard.came == min(shards, UNITS)


def test_duplicates_and_strays_are_dropped(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        wrong = pack([np.array([-1.0, -1.0], np.float32)])
        other_plan = Rows(task.step, task.shard, task.shards + 1, Rows.DONE, 0.0, "w", wrong)
        return [rows(task, Rows.DONE, wrong, step=6), other_plan, done(task), done(task)]

    _, _, found = gather(answer)
    assert in_order(found)


def test_rows_that_cannot_be_read_are_dropped_and_the_shard_is_awaited(gather: Callable[..., Any]) -> None:
    """Whoever has the exchange's password may write them; they failed the job."""

    def answer(task: ShardTask, n: int) -> list[Rows]:
        cut = Rows(task.step, task.shard, task.shards, Rows.DONE, 0.0, "w", b"\x01\0\0\0")
        nowhere = Rows(task.step, 99, task.shards, Rows.DONE, 0.0, "w", pack([np.zeros(2, np.float32)]))
        unknown = Rows(task.step, task.shard, task.shards, 9, 0.0, "w", b"")
        no_failure = Rows(task.step, task.shard, task.shards, Rows.FAILED, 0.0, "w", b"[]")
        return [cut, nowhere, unknown, no_failure, done(task)]

    _, _, found = gather(answer)
    assert in_order(found)


def test_what_comes_of_a_shard_after_its_rows_changes_nothing(gather: Callable[..., Any], heard: Heard) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(task), done(task), failed(task, name="ValueError"), failed(task, Rows.LOST, "WorkerLostError")]

    workers, gatherer, found = gather(answer)
    assert in_order(found)
    assert [lane.shard for lane in gatherer.lanes] == [0, 1, 2]
    assert (len(workers.sent), heard.came, heard.retries) == (3, 3, [])


def test_one_worker_that_takes_all_that_is_offered_is_enough(gather: Callable[..., Any], exchange: Redis) -> None:
    """The task of another worker, which is busy elsewhere, is only waited for until nothing is missing."""

    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(one) for one in taken(exchange, task)] if task.shard == 0 or n == 2 else []

    workers, gatherer, found = gather(answer, taper=True)
    assert in_order(found, 40)
    assert len(gatherer.lanes) == 8
    assert [task.shard for task in workers.sent] == [0, 1, 1]


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
    gather: Callable[..., Any], heard: Heard, refusals: int, told: int
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(task) if n > refusals else failed(task, Rows.REFUSED, "data_unavailable")]

    _, _, found = gather(answer, shards=1)
    assert in_order(found)
    assert heard.refusals == [Failure("data_unavailable", "no luck")] * told
    assert heard.retries == []


def test_a_job_that_was_paused_publishes_nothing_more(gather: Callable[..., Any], heard: Heard) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])

    def paused() -> None:
        raise Interrupted(Status.PAUSED)

    heard.check = paused
    with pytest.raises(Interrupted):
        measure(gatherer, 8)
    assert len(workers.sent) == 3


def test_a_pause_ends_the_wait(gather: Callable[..., Any], heard: Heard) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise Interrupted(Status.PAUSED)

    heard.check = check
    with pytest.raises(Interrupted):
        gather(lambda task, n: [])
