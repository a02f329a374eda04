"""Leases: one holder, growing tokens, nothing taken from the one who came later."""

import time

from redis import Redis

from dualtrain.core.store import Leases, keys


def test_one_holder_at_a_time_and_growing_tokens(store: Redis) -> None:
    leases = Leases(store)
    store.hset(keys.job("j"), "id", '"j"')
    first = leases.acquire("j")
    assert first is not None
    assert leases.acquire("j") is None
    leases.release(first)
    second = leases.acquire("j")
    assert second is not None
    assert second.token == first.token + 1


def test_a_lease_runs_out_unless_renewed(store: Redis) -> None:
    leases = Leases(store, milliseconds=80)
    held = leases.acquire("j")
    assert held is not None
    for _ in range(4):
        time.sleep(0.04)
        assert leases.renew(held)
    time.sleep(0.12)
    assert leases.acquire("j") is not None


def test_an_old_holder_can_neither_renew_nor_release(store: Redis) -> None:
    leases = Leases(store, milliseconds=30)
    old = leases.acquire("j")
    assert old is not None
    time.sleep(0.06)
    new = Leases(store).acquire("j")
    assert new is not None
    assert not leases.renew(old)
    leases.release(old)
    assert Leases(store).acquire("j") is None


def test_a_lease_that_ran_out_unnoticed_is_renewed(store: Redis) -> None:
    leases = Leases(store, milliseconds=30)
    held = leases.acquire("j")
    assert held is not None
    time.sleep(0.06)
    assert leases.renew(held)
    assert Leases(store).acquire("j") is None


def test_what_was_taken_of_a_job_that_is_gone_leaves_nothing(store: Redis) -> None:
    leases = Leases(store)
    held = leases.acquire("j")
    assert held is not None
    leases.release(held)
    assert store.keys("*") == []
