"""The same change for many jobs, in few trips to the store."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from dualtrain.core.job import Reason, Status
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.job_calls import delete_call, move_call
from dualtrain.core.store.scripts import DELETE, TRANSITION

_BATCH = 250
"""Jobs that are changed in one trip."""


class BulkChanges:
    """Changes of many jobs. A job that does not allow the change, or is gone, is left as it is."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._transition = store.register_script(TRANSITION)
        self._delete = store.register_script(DELETE)

    def move(self, job_ids: Iterable[str], to: Status, reason: Reason, only_from: Status | None = None) -> int:
        """Change the status of jobs; return how many were changed."""
        return self._run(self._transition, (move_call(job_id, to, reason, only_from=only_from) for job_id in job_ids))

    def delete(self, job_ids: Iterable[str]) -> int:
        """Delete ended jobs; return how many were deleted."""
        return self._run(self._delete, map(delete_call, job_ids))

    def _run(self, script: Callable[..., Any], calls: Iterable[tuple[list[str], list[Any]]]) -> int:
        changed = 0
        for batch in _batches(calls):
            with self._store.pipeline(transaction=False) as pipe:
                for keys, arguments in batch:
                    script(keys=keys, args=arguments, client=pipe)
                changed += pipe.execute().count(b"")
        return changed


def _batches(items: Iterable[Any]) -> Iterator[Sequence[Any]]:
    left = iter(items)
    while batch := list(islice(left, _BATCH)):
        yield batch
