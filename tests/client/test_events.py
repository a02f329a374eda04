"""Event streams that are cut."""

from typing import Any

from client import Client, JobHandle


def test_a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing(trained: JobHandle, relay: Any) -> None:
    whole = list(trained.events())
    relay.cut_after = [900, 1000, 1100, 1300, 1700]
    with Client(relay.url) as far:
        trained_far = JobHandle(far._transport, trained.record)
        assert list(trained_far.events()) == whole
    assert relay.connections == 6
