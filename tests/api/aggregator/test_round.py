"""A round ends with the results of all its tasks, in order, or with the reason why it cannot; a pause ends the wait."""

from collections.abc import Callable

import numpy as np
import pytest

from dualtrain.api.aggregator.control import Interrupted, JobFailed
from dualtrain.api.aggregator.round import ATTEMPTS, LOST_PROCESSES
from dualtrain.core.job import Status
from dualtrain.core.store import RowsMessage, pack
from dualtrain.core.store.broker import Task
from tests.api.aggregator.rounds import UNITS, Scene, done, failed, in_order, message


@pytest.mark.parametrize("shards", [1, 2, 3, 5, 9])
def test_the_rows_come_in_the_order_of_the_blocks(scene: Callable[..., Scene], shards: int) -> None:
    waiting: list[Task] = []

    def answer(task: Task, times: int) -> list[RowsMessage]:  # all at once, the last one first
        waiting.append(task)
        return [done(one) for one in reversed(waiting)] if len(waiting) == min(shards, UNITS) else []

    rounds = scene(answer, shards=shards)
    assert in_order(rounds.run())
    assert len(rounds.sent) == min(shards, UNITS)


def test_duplicates_and_strays_are_dropped(scene: Callable[..., Scene]) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        wrong = pack([np.array([-1.0, -1.0], np.float32)])
        other_plan = RowsMessage(task.step, task.shard, task.shards + 1, RowsMessage.DONE, 0.0, "w", wrong)
        return [message(task, RowsMessage.DONE, wrong, step=6), other_plan, done(task), done(task)]

    assert in_order(scene(answer).run())


def test_results_that_cannot_be_read_are_dropped_and_the_task_is_awaited(scene: Callable[..., Scene]) -> None:
    """Whoever has the exchange's password may write them; they failed the job."""

    def answer(task: Task, times: int) -> list[RowsMessage]:
        cut = message(task, RowsMessage.DONE, b"\x01\0\0\0")
        nowhere = RowsMessage(task.step, 99, task.shards, RowsMessage.DONE, 0.0, "w", pack([np.zeros(2, np.float32)]))
        unknown = message(task, 9, b"")
        no_failure = message(task, RowsMessage.FAILED, b"[]")
        return [cut, nowhere, unknown, no_failure, done(task)]

    assert in_order(scene(answer).run())


def test_what_comes_of_a_task_after_its_result_changes_nothing(scene: Callable[..., Scene]) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        lost = failed(task, RowsMessage.LOST, "WorkerLostError")
        return [done(task), done(task), failed(task, name="ValueError"), lost]

    rounds = scene(answer)
    assert in_order(rounds.run())
    assert [lane.shard for lane in rounds.remote.lanes] == [0, 1, 2]
    assert (len(rounds.sent), rounds.notices.retries) == (3, [])


def test_a_shard_that_kills_every_process_fails_the_job(scene: Callable[..., Scene]) -> None:
    rounds = scene(
        lambda task, times: [failed(task, RowsMessage.LOST, "WorkerLostError")] if task.shard else [done(task)]
    )
    with pytest.raises(JobFailed, match=f"took {LOST_PROCESSES} worker processes"):
        rounds.run()


def test_an_exception_that_may_pass_is_tried_again_a_bounded_number_of_times(scene: Callable[..., Scene]) -> None:
    assert in_order(scene(lambda task, times: [done(task) if times == ATTEMPTS else failed(task)]).run())
    with pytest.raises(JobFailed, match="OSError: no luck"):
        scene(lambda task, times: [failed(task)]).run()


def test_an_exception_that_would_come_again_fails_the_job_at_once(scene: Callable[..., Scene]) -> None:
    rounds = scene(lambda task, times: [failed(task, name="ValueError")])
    with pytest.raises(JobFailed, match="ValueError: no luck .shard 0 of step 7 on worker w"):
        rounds.run()
    assert len(rounds.sent) == 3


@pytest.mark.parametrize(("refusals", "explained"), [(1, 0), (2, 1), (5, 4)])
def test_foreign_workers_only_delay_and_are_named_when_there_are_no_others(
    scene: Callable[..., Scene], refusals: int, explained: int
) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        return [done(task) if times > refusals else failed(task, RowsMessage.REFUSED, "data_unavailable")]

    rounds = scene(answer, shards=1)
    assert in_order(rounds.run())
    assert rounds.notices.reasons == [("data_unavailable", "no luck")] * explained + [(None, "")]
    assert rounds.notices.retries == []


def test_a_job_that_was_paused_publishes_nothing_more(scene: Callable[..., Scene]) -> None:
    rounds = scene(lambda task, times: [done(task)])
    rounds.run()
    rounds.control.status = Status.PAUSED
    with pytest.raises(Interrupted):
        rounds.run(8)
    assert len(rounds.sent) == 3


def test_a_pause_ends_the_wait(scene: Callable[..., Scene]) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        if len(looks) > 2:
            rounds.control.status = Status.PAUSED

    rounds = scene(lambda task, times: [])
    rounds.control.look = look
    with pytest.raises(Interrupted):
        rounds.run()
