"""Counters that several processes add to."""

import pytest
from redis import ConnectionError as NoConnection
from redis import Redis

from dualtrain.core.store import Counters, connect


def test_what_several_count_adds_up(store: Redis) -> None:
    for value in (1, 2):
        counters = Counters(store)
        counters.add("a", {"x": "1"}, value)
        counters.add("a", {"x": "1"})
        counters.flush()
        counters.flush()
    assert Counters(store).read() == {("a", (("x", "1"),)): 5.0}


def test_times_fall_into_the_first_bucket_that_holds_them(store: Redis) -> None:
    counters = Counters(store)
    for seconds in (0.3, 0.5, 1.0, 7.0):
        counters.observe("t", seconds)
    counters.flush()
    found = counters.read()
    assert found["t_bucket", (("le", "0.5"),)] == 2
    assert found["t_bucket", (("le", "1.0"),)] == 1
    assert found["t_bucket", (("le", "+Inf"),)] == 1
    assert found["t_sum", ()] == pytest.approx(8.8)


def test_what_could_not_be_added_is_added_later(store: Redis) -> None:
    counters = Counters(store)
    counters.add("a")
    counters._store = connect("unix:///nowhere/socket")
    with pytest.raises(NoConnection):
        counters.flush()
    counters._store = store
    counters.flush()
    assert counters.read() == {("a", ()): 1.0}
