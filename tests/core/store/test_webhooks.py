"""The list of webhooks: a call is made by one process at a time and is not lost with it."""

import time

from redis import Redis

from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.store import JobEvent, Jobs, Leases, Webhooks, keys


def create(jobs: Jobs, name: str, *events: str) -> None:
    spec = {"webhook_url": "x", **({"webhook_events": events} if events else {})}
    jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)


def test_a_call_that_a_process_died_with_is_due_again(store: Redis) -> None:
    jobs, listed = Jobs(store), Webhooks(store)
    create(jobs, "job-1")
    jobs.move("job-1", Status.CANCELLED)
    assert listed.due(0, 10) == [("job-1", "cancelled.2")]
    assert listed.claim("job-1", "cancelled.2", 0.1) == 1
    assert listed.due(0, 10) == []
    assert listed.claim("job-1", "cancelled.2", 0.1) == 0
    time.sleep(0.15)
    assert listed.due(0, 10) == [("job-1", "cancelled.2")]
    assert listed.claim("job-1", "cancelled.2", 0.1) == 2


def test_a_job_that_is_deleted_before_its_call_is_neither_called_nor_revived(store: Redis) -> None:
    jobs, listed = Jobs(store), Webhooks(store)
    for name in ("job-1", "job-2"):
        create(jobs, name)
        jobs.move(name, Status.CANCELLED)
    jobs.delete("job-1")
    assert listed.claim("job-2", "cancelled.2", 0) == 1
    jobs.delete("job-2")
    listed.again("job-2", "cancelled.2", 0, "500")  # by the process that had claimed it
    store.zadd(keys.WEBHOOKS, {"job-2/cancelled.2": 0})
    assert listed.claim("job-2", "cancelled.2", 0) == 0
    assert {key.decode() for key in store.keys("*")} == {keys.EVENTS, keys.SEQUENCE, keys.USAGE, keys.VERSION}


def test_only_the_chosen_events_are_delivered_and_of_untried_evaluations_the_newest(store: Redis) -> None:
    jobs, listed = Jobs(store), Webhooks(store)
    create(jobs, "all", "started", "evaluation", "ended")
    create(jobs, "end")
    for name in ("all", "end"):
        jobs.move(name, Status.RUNNING)
        lease = Leases(store).acquire(name)
        assert lease
        for step in (1, 2):
            jobs.commit(lease, [JobEvent("evaluation", step, {"step": step})])
        jobs.move(name, Status.PAUSED)
        jobs.move(name, Status.RUNNING)
        jobs.move(name, Status.SUCCEEDED)
    assert [delivery.name for delivery in listed.list("all")] == ["started.2", "evaluation.2", "succeeded.5"]
    assert [delivery.name for delivery in listed.list("end")] == ["succeeded.5"]
    assert len(listed.due(0, 10)) == 4


def test_a_delivery_that_is_over_can_be_sent_again(store: Redis) -> None:
    jobs, listed = Jobs(store), Webhooks(store)
    create(jobs, "job-1")
    jobs.move("job-1", Status.CANCELLED)
    listed.claim("job-1", "cancelled.2", 60)
    listed.done("job-1", "cancelled.2", "given_up", "500")
    (delivery,) = listed.list("job-1")
    assert (delivery.state, delivery.attempts, delivery.outcome) == ("given_up", 1, "500")
    assert listed.due(0, 10) == []
    assert listed.send_again("job-1", "cancelled.2")
    assert listed.due(0, 10) == [("job-1", "cancelled.2")]
    assert listed.claim("job-1", "cancelled.2", 60) == 1
    assert not listed.send_again("job-1", "other")
