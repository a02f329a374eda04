"""Waiting for something to happen to a job."""

import asyncio

from api.fanout import Listener

NOTABLE = frozenset({"status", "evaluation"})


async def changed(listener: Listener, seconds: float) -> bool:
    """Wait until the job's status changes or an evaluation is made; False when neither happens in time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await listener.next()
                if message is None or message.event.type in NOTABLE:
                    return True
    except TimeoutError:
        return False
