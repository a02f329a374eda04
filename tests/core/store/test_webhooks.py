"""The list of webhooks: a call is made by one process at a time and is not lost with it."""

import time

from redis import Redis

from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.store import Jobs, Webhooks, keys


def test_a_call_that_a_process_died_with_is_due_again(store: Redis) -> None:
    listed = Webhooks(store)
    store.hset(keys.job("job-1"), "status", '"failed"')
    store.zadd(keys.WEBHOOKS, {"job-1": 0})
    assert listed.due(0, 10) == ["job-1"]
    assert listed.claim("job-1", 0.1) == 1
    assert listed.due(0, 10) == []
    assert listed.claim("job-1", 0.1) == 0
    time.sleep(0.15)
    assert listed.due(0, 10) == ["job-1"]
    assert listed.claim("job-1", 0.1) == 2


def test_a_job_that_is_deleted_before_its_call_is_neither_called_nor_revived(store: Redis) -> None:
    jobs, listed = Jobs(store), Webhooks(store)
    for name in ("job-1", "job-2"):
        jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec={"webhook_url": "x"}), 5, 10)
        jobs.move(name, Status.CANCELLED)
    jobs.delete("job-1")
    assert listed.claim("job-2", 0) == 1
    jobs.delete("job-2")
    store.zadd(keys.WEBHOOKS, {"job-2": 0})  # it was put back by who had claimed it
    assert listed.claim("job-2", 0) == 0
    assert {key.decode() for key in store.keys("*")} == {keys.EVENTS, keys.SEQUENCE, keys.VERSION}
