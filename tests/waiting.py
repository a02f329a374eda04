"""Waiting for what other processes and threads do."""

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 90.0
"""More than a part of the stack needs to come back, on a machine that is busy."""

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], seconds: float = SECONDS, what: str = "it") -> Found:
    """Return the first thing that `look` finds that counts as true. Raises TimeoutError that names `what`."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)
    return found
