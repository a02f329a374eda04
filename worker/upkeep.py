"""Processes that died while they were idle are replaced at once."""

from typing import Any

from celery import bootsteps

EVERY_SECONDS = 0.2


class Upkeep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks after the pool more often than Celery does.

    Celery looks when a process closes its files, which may be before the process has ended and can be replaced; its
    next look is 5 s later.
    """

    requires = {"celery.worker.components:Pool"}

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called by Celery."""
        hub.call_repeatedly(EVERY_SECONDS, worker.pool.maintain_pool)
