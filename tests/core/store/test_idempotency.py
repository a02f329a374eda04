"""Idempotency keys: one claim, one answer, for each owner."""

from typing import Any

import pytest
from redis import Redis

from dualtrain.core.store import Claim, Idempotency, InFlight, Mismatch, idempotency


def test_the_first_claim_is_answered_later_ones_get_the_answer(store: Redis) -> None:
    requests = Idempotency(store, "ann")
    assert requests.claim("k", "f", "job-1") == Claim("job-1")
    with pytest.raises(InFlight):
        requests.claim("k", "f", "job-2")
    requests.answer("k", "f", "job-1", "{}")
    assert requests.claim("k", "f", "job-3") == Claim("job-1", "{}")
    with pytest.raises(Mismatch):
        requests.claim("k", "g", "job-4")


def test_owners_do_not_share_keys(store: Redis) -> None:
    assert Idempotency(store, "ann").claim("k", "f", "job-1") == Claim("job-1")
    assert Idempotency(store, "bob").claim("k", "g", "job-2") == Claim("job-2")
    assert Idempotency(store, None).claim("k", "h", "job-3") == Claim("job-3")


def test_a_forgotten_key_is_new_again(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    requests.forget("k")
    assert requests.claim("k", "g", "job-2") == Claim("job-2")


def test_a_request_lost_with_its_process_keeps_its_job_id(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    monkeypatch.setattr(idempotency, "UNANSWERED_SECONDS", -1)
    assert requests.claim("k", "f", "job-2") == Claim("job-1")


def test_a_released_request_is_claimed_again_with_its_job_id_and_by_no_other(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.release("k", "f", requests.claim("k", "f", "job-1").job_id)
    with pytest.raises(Mismatch):
        requests.claim("k", "g", "job-2")
    assert requests.claim("k", "f", "job-3") == Claim("job-1")


class Forgetful(Redis):
    """A server whose first answer to SET is lost: the client asks again, and the key is there by then."""

    lost = 1

    def set(self, *args: Any, **options: Any) -> Any:
        found = super().set(*args, **options)
        self.lost, lost = 0, self.lost
        return super().set(*args, **options) if lost else found


def test_a_claim_whose_answer_was_lost_is_still_its_own(store: Redis) -> None:
    requests = Idempotency(Forgetful(connection_pool=store.connection_pool), None)
    assert requests.claim("k", "f", "job-1") == Claim("job-1")
    with pytest.raises(InFlight):
        requests.claim("k", "f", "job-2")


def test_a_clock_that_was_set_back_holds_nobody_up(store: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert requests.claim("k", "f", "job-2") == Claim("job-1")


def test_what_is_known_of_a_key_ends(store: Redis) -> None:
    requests = Idempotency(store, None)
    requests.claim("k", "f", "job-1")
    requests.claim("l", "f", "job-2")
    requests.answer("l", "f", "job-2", "{}")
    assert all(0 < store.ttl(name) <= idempotency.KEPT_SECONDS for name in store.keys("*"))
    assert len(store.keys("*")) == 2
