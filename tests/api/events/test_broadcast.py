"""One reader of events for all listeners: from when they hear it, and until when."""

import asyncio

from dualtrain.api.app import in_background
from dualtrain.api.events.broadcast import BACKLOG, Fanout, Listener, Message
from dualtrain.core.store import Event, connect_async


def test_who_listens_waits_until_events_are_read(store_url: str) -> None:
    async def scene() -> None:
        store = connect_async(store_url)
        fanout = Fanout(store)
        begun = asyncio.create_task(fanout.begun())
        await asyncio.sleep(0.05)
        assert not begun.done()
        async with in_background(fanout.run()):
            await asyncio.wait_for(begun, 10)
            fanout.close()  # where the client swallows the cancellation, this ends it
        await store.aclose()

    asyncio.run(scene())


def test_who_comes_back_after_the_listeners_were_sent_away_is_sent_away_too(store_url: str) -> None:
    async def scene() -> None:
        store = connect_async(store_url)
        fanout = Fanout(store)
        fanout.close()
        await fanout.begun()
        with fanout.listen("job-any") as listener:
            assert await asyncio.wait_for(listener.next(), 5) is None
        await store.aclose()

    asyncio.run(scene())


def test_a_listener_that_is_too_slow_is_sent_away() -> None:
    async def scene() -> Message | None:
        listener = Listener(None)
        for sequence in range(BACKLOG + 1):
            listener.hand(Message.of(Event("step", "j", {}, f"5-{sequence}")))
        return await listener.next()

    assert asyncio.run(scene()) is None
