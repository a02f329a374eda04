"""Idempotency keys: one claim, one answer, for each owner."""

from typing import Any

import pytest
from redis import Redis

from dualtrain.core.job import Job, Status
from dualtrain.core.store import Claim, Idempotency, InFlight, Jobs, Mismatch, Superseded, idempotency


def claimed(claim: Claim) -> tuple[str, str | None]:
    return claim.job_id, claim.answer


def test_the_first_claim_is_answered_later_ones_get_the_answer(store: Redis) -> None:
    requests = Idempotency(store, "ann")
    first = requests.claim("k", "f", "job-1")
    assert claimed(first) == ("job-1", None)
    with pytest.raises(InFlight):
        requests.claim("k", "f", "job-2")
    assert requests.answer(first, "{}") == "{}"
    assert claimed(requests.claim("k", "f", "job-3")) == ("job-1", "{}")
    with pytest.raises(Mismatch):
        requests.claim("k", "g", "job-4")


def test_owners_do_not_share_keys(store: Redis) -> None:
    for owner, job_id in (("ann", "job-1"), ("bob", "job-2"), (None, "job-3")):
        assert claimed(Idempotency(store, owner).claim("k", job_id, job_id)) == (job_id, None)


def test_a_forgotten_key_is_new_again(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.forget(requests.claim("k", "f", "job-1"))
    assert claimed(requests.claim("k", "g", "job-2")) == ("job-2", None)


def test_a_request_lost_with_its_process_keeps_its_job_id(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    monkeypatch.setattr(idempotency, "UNANSWERED_SECONDS", -1)
    assert claimed(requests.claim("k", "f", "job-2")) == ("job-1", None)


def test_a_released_request_is_claimed_again_with_its_job_id_and_by_no_other(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.release(requests.claim("k", "f", "job-1"))
    with pytest.raises(Mismatch):
        requests.claim("k", "g", "job-2")
    assert claimed(requests.claim("k", "f", "job-3")) == ("job-1", None)


def test_a_claim_that_was_taken_over_can_write_nothing(store: Redis) -> None:
    requests = Idempotency(store, None)
    old = requests.claim("k", "f", "job-1")
    requests.release(old)
    new = requests.claim("k", "f", "job-2")
    requests.forget(old)
    requests.release(old)
    with pytest.raises(InFlight):
        requests.claim("k", "f", "job-3")
    job = Job(id="job-1", name="", status=Status.QUEUED, created_at="2026-01-01T00:00:00Z", spec={"metadata": {}})
    with pytest.raises(Superseded):
        Jobs(store).create(job, 5, 10, old)
    assert Jobs(store).status("job-1") is None
    Jobs(store).create(job, 5, 10, new)
    assert requests.answer(new, "first") == requests.answer(old, "second") == "first"
    requests.forget(new)  # answered: it stays
    assert claimed(requests.claim("k", "f", "job-4")) == ("job-1", "first")


class Forgetful(Redis):
    """A server whose first answer to a script is lost: the client sends it again, and the claim is there by then."""

    lost = 1

    def evalsha(self, *arguments: Any, **options: Any) -> Any:
        reply = super().evalsha(*arguments, **options)
        self.lost, lost = 0, self.lost
        return super().evalsha(*arguments, **options) if lost else reply


def test_a_claim_whose_answer_was_lost_is_still_its_own(store: Redis) -> None:
    requests = Idempotency(Forgetful(connection_pool=store.connection_pool), None)
    assert claimed(requests.claim("k", "f", "job-1")) == ("job-1", None)
    with pytest.raises(InFlight):
        requests.claim("k", "f", "job-2")


def test_a_clock_that_was_set_back_holds_nobody_up(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert claimed(requests.claim("k", "f", "job-2")) == ("job-1", None)


def test_the_record_of_a_key_expires(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    requests.answer(requests.claim("l", "f", "job-2"), "{}")
    assert all(0 < store.ttl(name) <= idempotency.KEPT_SECONDS for name in store.keys("*"))
    assert len(store.keys("*")) == 2
