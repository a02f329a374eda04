"""Clients of the stack under test: post jobs until they are accepted, and keep some running."""

import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import httpx2
from redis.exceptions import RedisError

from dualtrain.core.job import ENDED
from dualtrain.core.store import Jobs

AGAIN_SECONDS = 0.2
REQUEST_SECONDS = 10.0


def post(urls: Sequence[str], spec: dict[str, Any], seconds: float, chance: random.Random) -> str:
    """Return the id of a job that a replica has accepted: asked again, under the same key, until one answers 202."""
    headers, end = {"Idempotency-Key": uuid4().hex}, time.monotonic() + seconds
    told = "nothing"
    while time.monotonic() < end:
        try:
            answer = httpx2.post(chance.choice(urls) + "/v1/jobs", json=spec, headers=headers, timeout=REQUEST_SECONDS)
        except httpx2.TransportError as error:
            told = repr(error)
        else:
            if answer.status_code == 202:
                return str(answer.json()["id"])
            told = answer.text
            if answer.status_code not in (409, 429, 503):
                break
        time.sleep(AGAIN_SECONDS)
    raise TimeoutError(f"no replica accepted a job within {seconds} s; the last answer: {told}")


class Feeder:
    """Keeps `active` jobs going, one case after the other, until stopped. `accepted`: job id -> case."""

    def __init__(
        self, urls: Sequence[str], jobs: Jobs, specs: dict[str, dict[str, Any]], active: int, seed: int
    ) -> None:
        self._urls, self._jobs, self._active = urls, jobs, active
        self._chance = random.Random(seed)
        self._specs = self._endless(specs)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self.accepted: dict[str, str] = {}
        self.problem: Exception | None = None
        self._thread.start()

    def stop(self) -> None:
        """Post no more. Raises what went wrong with a post."""
        self._stopping.set()
        self._thread.join()
        if self.problem:
            raise self.problem

    def going(self) -> list[str]:
        """Return the accepted jobs that have not ended; all that are not known to have while the store is away."""
        return [job_id for job_id in list(self.accepted) if self._jobs.status(job_id) not in ENDED]

    def _endless(self, specs: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        for _ in itertools.count():
            yield from self._chance.sample(sorted(specs.items()), len(specs))

    def _feed(self) -> None:
        while not self._stopping.wait(0.05):
            try:
                if len(self.going()) >= self._active:
                    continue
                case, spec = next(self._specs)
                self.accepted[post(self._urls, spec, 120, self._chance)] = case
            except RedisError:
                continue  # the store is away: nobody can tell
            except Exception as error:
                self.problem = error
                return
