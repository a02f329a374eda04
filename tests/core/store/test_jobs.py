"""Jobs: every legal and illegal change of status, fencing, order of the queue, events told once."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from dualtrain.core.job import ENDED, SOURCES, Job, Reason, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.store import ALWAYS, Conflict, JobEvent, Jobs, Leases, QueueFull, Stale, UnknownJob, connect, replay
from dualtrain.core.store import jobs as jobs_module

PATHS = {
    Status.QUEUED: (),
    Status.RUNNING: (Status.RUNNING,),
    Status.PAUSED: (Status.RUNNING, Status.PAUSED),
    Status.SUCCEEDED: (Status.RUNNING, Status.SUCCEEDED),
    Status.FAILED: (Status.RUNNING, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}


@pytest.fixture
def jobs(store: Redis) -> Jobs:
    return Jobs(store)


def a_job(name: str) -> Job:
    return Job(id=name, name=name, status=Status.QUEUED, created_at=now(), spec={"seed": 3})


def create(jobs: Jobs, name: str, priority: int = 5, status: Status = Status.QUEUED) -> str:
    jobs.create(a_job(name), priority, limit=100)
    for step in PATHS[status]:
        jobs.move(name, step)
    return name


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_only_the_table_of_transitions_is_allowed(jobs: Jobs, before: Status, after: Status) -> None:
    create(jobs, "j", status=before)
    if before in SOURCES[after]:
        jobs.move("j", after, Reason(code="because", message="of this"))
        job = jobs.get("j")
        assert job.status is after
        assert job.status_reason == Reason(code="because", message="of this")
        assert (job.finished_at is not None) == (after in ENDED)
    else:
        with pytest.raises(Conflict, match=f"is {before}; it cannot become {after}"):
            jobs.move("j", after)
        assert jobs.get("j").status is before


def test_transitions_and_status_events_tell_the_whole_life(jobs: Jobs, store: Redis) -> None:
    create(jobs, "j", status=Status.SUCCEEDED)
    statuses = [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]
    assert [one.status for one in jobs.get("j").transitions] == statuses
    events, lost = replay(store, "j")
    assert [event.data["status"] for event in events] == statuses
    assert not lost
    assert [event.id for event in events] == [event.id for event in replay(store)[0]]


def test_the_queue_is_by_priority_and_then_first_come(jobs: Jobs) -> None:
    for name, priority in (("a", 5), ("b", 9), ("c", 5), ("d", 0)):
        create(jobs, name, priority)
    assert jobs.ids(Status.QUEUED) == ["b", "a", "c", "d"]
    assert [jobs.get(name).queue_position for name in "abcd"] == [2, 1, 3, 4]
    jobs.move("b", Status.RUNNING)
    assert jobs.get("b").queue_position is None
    assert jobs.get("a").queue_position == 1


def test_the_queue_is_bounded(jobs: Jobs) -> None:
    jobs.create(a_job("a"), 5, limit=1)
    with pytest.raises(QueueFull):
        jobs.create(a_job("b"), 5, limit=1)
    with pytest.raises(UnknownJob):
        jobs.get("b")


def test_creating_twice_makes_one_job(jobs: Jobs) -> None:
    create(jobs, "a")
    create(jobs, "a")
    assert jobs.ids(Status.QUEUED) == ["a"]
    assert len(jobs.get("a").transitions) == 1


def test_jobs_come_newest_first_and_none_is_left_out(jobs: Jobs) -> None:
    names = [create(jobs, f"j{i}", status=Status.RUNNING if i % 2 else Status.QUEUED) for i in range(7)]
    for count in (1, 3, 7, 10):
        assert [job.id for _, job in jobs.newest(count)] == names[::-1]
    numbers = [number for number, _ in jobs.newest(3)]
    assert [job.id for _, job in jobs.newest(3, numbers[3])] == ["j2", "j1", "j0"]
    assert [job.id for _, job in jobs.newest(10, status=Status.RUNNING)] == ["j5", "j3", "j1"]


def test_an_old_token_can_neither_move_nor_commit(jobs: Jobs, store: Redis) -> None:
    create(jobs, "j", status=Status.RUNNING)
    leases = Leases(store)
    old = leases.acquire("j")
    assert old is not None
    leases.release(old)
    new = leases.acquire("j")
    assert new is not None
    with pytest.raises(Stale):
        jobs.move("j", Status.FAILED, lease=old)
    with pytest.raises(Stale):
        jobs.commit(old, retries=9)
    assert jobs.commit(new, retries=2) is Status.RUNNING
    assert jobs.get("j").retries == 2


def test_commit_answers_the_status_that_the_job_has(jobs: Jobs, store: Redis) -> None:
    create(jobs, "j", status=Status.RUNNING)
    lease = Leases(store).acquire("j")
    assert lease is not None
    jobs.move("j", Status.PAUSED)
    assert jobs.commit(lease) is Status.PAUSED


def test_why_a_job_stands_still_is_not_written_over(jobs: Jobs, store: Redis) -> None:
    create(jobs, "j", status=Status.RUNNING)
    lease = Leases(store).acquire("j")
    assert lease is not None
    jobs.commit(lease, [JobEvent("status", -1, {"status": "running"})], status_reason={"code": "a", "message": ""})
    reason = Reason(code="by_user", message="")
    jobs.move("j", Status.PAUSED, reason)
    jobs.commit(lease, [JobEvent("status", -1, {"status": "running"})], status_reason=None, retries=7)
    found, (told, _) = jobs.get("j"), replay(store, "j")
    assert (found.status_reason, found.retries) == (reason, 7)
    assert [event.data["status"] for event in told] == ["queued", "running", "running", "paused"]


def test_an_event_of_a_step_is_told_once(jobs: Jobs, store: Redis) -> None:
    create(jobs, "j", status=Status.RUNNING)
    lease = Leases(store).acquire("j")
    assert lease is not None
    for step in (1, 2, 1, 2, 3):
        jobs.commit(lease, [JobEvent("step", step, {"step": step}, {"step": step}), JobEvent("retry", -1, {})])
    told, _ = replay(store, "j")
    assert [event.data["step"] for event in told if event.type == "step"] == [1, 2, 3]
    assert sum(event.type == "retry" for event in told) == 5
    assert [json.loads(point)["step"] for point in store.lrange("dualtrain:job:j:history", 0, -1)] == [1, 2, 3]


def test_delete_leaves_nothing_and_only_of_ended_jobs(
    jobs: Jobs, store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(jobs, "j", status=Status.RUNNING)
    with pytest.raises(Conflict):
        jobs.delete("j")
    jobs.move("j", Status.CANCELLED)
    delete = jobs._delete
    monkeypatch.setattr(jobs, "_delete", lambda **call: [delete(**call) for _ in range(2)][-1])  # an answer was lost
    jobs.delete("j")
    assert {key.decode() for key in store.keys("*")} == {
        "dualtrain:events",
        "dualtrain:sequence",
        "dualtrain:jobs:version",
        "dualtrain:usage",
    }
    with pytest.raises(UnknownJob):
        jobs.delete("j")


def test_a_change_that_the_server_makes_twice_is_one(jobs: Jobs, store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    create(jobs, "j")
    transition = jobs._transition

    def twice(**options: Any) -> Any:
        transition(**options)
        return transition(**options)  # as when the first answer is lost

    monkeypatch.setattr(jobs, "_transition", twice)
    jobs.move("j", Status.CANCELLED)
    assert [one.status for one in jobs.get("j").transitions] == [Status.QUEUED, Status.CANCELLED]
    with pytest.raises(Conflict):
        jobs.move("j", Status.CANCELLED)


def test_a_commit_that_the_server_makes_twice_is_one(jobs: Jobs, store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    create(jobs, "j", status=Status.RUNNING)
    lease, commit = Leases(store).acquire("j"), jobs._commit
    assert lease is not None
    monkeypatch.setattr(jobs, "_commit", lambda **call: [commit(**call) for _ in range(2)][-1])  # an answer was lost
    for retries in (1, 2):
        assert jobs.commit(lease, [JobEvent("retry", ALWAYS, {"n": retries})], retries=retries) is Status.RUNNING
    told, _ = replay(store, "j")
    assert [event.data["n"] for event in told if event.type == "retry"] == [1, 2]
    assert jobs.get("j").retries == 2


def test_a_full_store_lets_jobs_be_taken_paused_cancelled_and_deleted(start_server: Callable[..., str]) -> None:
    with connect(start_server()) as store:
        jobs, leases = Jobs(store), Leases(store)
        for name in ("running", "queued"):
            create(jobs, name)
        store.config_set("maxmemory", 1)
        with pytest.raises(OutOfMemoryError):
            create(jobs, "one more")
        lease = leases.acquire("running")
        assert lease is not None
        assert leases.renew(lease)
        jobs.move("running", Status.RUNNING, lease=lease)
        jobs.move("running", Status.PAUSED, Reason(code="store_full", message="full"), lease)
        jobs.move("queued", Status.CANCELLED)
        jobs.delete("queued")
        assert jobs.get("running").status is Status.PAUSED


def test_fields_of_many_jobs_are_read_in_several_trips_and_deleted_jobs_are_left_out(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(store)
    for number in range(5):
        create(jobs, f"job-{number}")
    jobs.move("job-3", Status.CANCELLED)
    jobs.move("job-4", Status.CANCELLED)
    jobs.delete("job-4")
    monkeypatch.setattr(jobs_module, "_AT_ONCE", 2)
    found = dict(jobs.fields((f"job-{number}" for number in range(5)), "status", "owner"))
    assert found == {**{f"job-{number}": ["queued", None] for number in range(3)}, "job-3": ["cancelled", None]}
    assert jobs.ids() == [*jobs.ids(Status.QUEUED), "job-3"] == list(found)
