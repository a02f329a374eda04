"""Processes that died while they were idle are replaced at once, and a parent that failed ends."""

import os
from threading import Timer
from typing import Any

from celery import bootsteps

EVERY_SECONDS = 0.2
END_SECONDS = 5.0
"""How long a parent that failed has to end by itself."""


class Upkeep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks after the pool more often than Celery does, and after Celery itself.

    Celery looks when a process closes its files, which may be before the process has ended and can be replaced; its
    next look is 5 s later.
    """

    requires = {"celery.worker.components:Pool"}

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called by Celery."""
        hub.call_repeatedly(EVERY_SECONDS, worker.pool.maintain_pool)

    def close(self, worker: Any) -> None:
        """Called by Celery when it begins to stop.

        After a failure it waits for results that it may have lost, perhaps for ever, and nobody would start it again.
        """
        if worker.exitcode:
            end = Timer(END_SECONDS, os._exit, (worker.exitcode,))
            end.daemon = True
            end.start()
