"""Idempotency keys: the same request sent twice makes one job, also when the first answer was lost on its way."""

import json
import time
from dataclasses import dataclass

from dualtrain.core.store import keys
from dualtrain.core.store.connection import Server

KEPT_SECONDS = 24 * 3600
UNANSWERED_SECONDS = 5
"""A first request that is not answered by then was lost with its process: the next one takes its place.

Less than clients go on asking. If it was slow and not lost, both make the same job, which is made once.
"""


class Mismatch(Exception):
    """The key came before, with another request."""


class InFlight(Exception):
    """The first request with the key is not answered yet."""


@dataclass(frozen=True)
class Claim:
    """The id that the job of a request gets, and the first answer if there was one."""

    job_id: str
    answer: str | None = None


class Idempotency:
    """What is known of the keys of one owner (None: of everybody, where no keys are used)."""

    def __init__(self, store: Server, owner: str | None) -> None:
        self._store, self._owner = store, owner or ""

    def claim(self, key: str, fingerprint: str, job_id: str) -> Claim:
        """Return the claim on `job_id`, or the earlier one. Raises Mismatch, InFlight."""
        name, fresh = keys.idempotency(self._owner, key), self._record(fingerprint, job_id)
        if self._store.set(name, json.dumps(fresh), ex=KEPT_SECONDS, nx=True):
            return Claim(job_id)
        found = json.loads(self._store.get(name) or json.dumps(fresh))
        if found["fingerprint"] != fingerprint:
            raise Mismatch(key)
        if found["job_id"] == job_id:  # this very claim, whose first answer was lost
            return Claim(job_id)
        if found["answer"] is not None:
            return Claim(found["job_id"], found["answer"])
        if 0 <= time.time() - found["at"] < UNANSWERED_SECONDS:  # unless the clock was set back
            raise InFlight(key)
        return Claim(found["job_id"])  # a job with this id is made once only, whoever asks for it

    def answer(self, key: str, fingerprint: str, job_id: str, answer: str) -> None:
        """Keep the answer for whoever asks again."""
        self._keep(key, self._record(fingerprint, job_id) | {"answer": answer})

    def release(self, key: str, fingerprint: str, job_id: str) -> None:
        """Let the same request, which may have made its job or not, be claimed again at once, with the same job."""
        self._keep(key, self._record(fingerprint, job_id) | {"at": 0.0})

    def forget(self, key: str) -> None:
        """Free a key whose request made no job."""
        self._store.delete(keys.idempotency(self._owner, key))

    def _keep(self, key: str, record: dict[str, object]) -> None:
        self._store.set(keys.idempotency(self._owner, key), json.dumps(record), ex=KEPT_SECONDS)

    @staticmethod
    def _record(fingerprint: str, job_id: str) -> dict[str, object]:
        return {"fingerprint": fingerprint, "job_id": job_id, "at": time.time(), "answer": None}
