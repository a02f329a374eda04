"""What is remembered of callers ends, and a session's secret is not kept."""

import asyncio

from redis import Redis

from dualtrain.core.store import Access, connect_async
from dualtrain.core.store.sessions import SESSION_SECONDS


def test_sessions_and_counts_end_and_the_secret_stands_nowhere(store: Redis, store_url: str) -> None:
    async def scene() -> str:
        reader = connect_async(store_url)
        access = Access(reader)
        secret = await access.open_session("0" * 64)
        accepted = [await access.count("ann", 2) == 0 for _ in range(3)]
        assert accepted == [True, True, False]
        assert await access.session(secret) == "0" * 64
        await reader.aclose()
        return secret

    secret = asyncio.run(scene()).encode()
    names = store.keys("*")
    assert len(names) == 2
    assert all(0 < store.ttl(name) <= SESSION_SECONDS for name in names)
    assert not any(secret in name or secret in store.get(name) for name in names)


def test_a_session_that_was_closed_stands_for_nobody(store: Redis, store_url: str) -> None:
    async def scene() -> str | None:
        reader = connect_async(store_url)
        access = Access(reader)
        secret = await access.open_session("0" * 64)
        await access.close_session(secret)
        found = await access.session(secret)
        await reader.aclose()
        return found

    assert asyncio.run(scene()) is None
