"""Request rates of API keys."""

from dualtrain.api.security.errors import RateLimited
from dualtrain.api.security.keys import Key
from dualtrain.core.store import Access


async def count_request(access: Access, key: Key) -> None:
    """Count a request of a key that has a limit. Raises RateLimited above it."""
    limit = key.requests_per_minute
    if limit is None:
        return
    wait_seconds = await access.count(key.name, limit)
    if wait_seconds:
        raise RateLimited(key.name, limit, wait_seconds)
