"""Times of rounds, measured once for each kind of round in a child process."""

import asyncio
from dataclasses import dataclass, field

from dualtrain.api.sandbox.errors import OverLimit
from dualtrain.api.sandbox.pool import Pool
from dualtrain.core.estimate import Timing
from dualtrain.core.spec import JobSpec

MAX_TIMINGS = 1000
"""Kinds of rounds whose times are remembered."""
_FIELDS = {"network", "gradient", "optimizer", "batch_size", "dtype"}
"""Fields of a spec that a round's times depend on, besides the image size."""


class NotEstimable(Exception):
    """A round of a job cannot be measured within the limits."""


@dataclass
class Timings:
    """Times by kind of round. Requests for a kind that is being measured wait for that measurement."""

    pool: Pool
    _timings: dict[str, Timing] = field(default_factory=dict)
    _measuring: dict[str, asyncio.Task[Timing]] = field(default_factory=dict)
    _waiting: dict[str, int] = field(default_factory=dict)

    async def of(self, spec: JobSpec, caller: str) -> Timing:
        """Return the times of this kind of round on this machine. Raises NotEstimable, Busy."""
        kind = _kind(spec)
        if kind in self._timings:
            return self._timings[kind]
        with self.pool.admitted(caller):
            return await self._shared(kind, caller)

    async def _shared(self, kind: str, caller: str) -> Timing:
        """Wait for the measurement of a kind; the last one who leaves ends it."""
        if kind not in self._measuring:
            self._measuring[kind] = asyncio.create_task(self._measured(kind, caller))
        task = self._measuring[kind]
        self._waiting[kind] = self._waiting.get(kind, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[kind] -= 1
            if not self._waiting[kind]:
                task.cancel()
                self._measuring.pop(kind, None)
                del self._waiting[kind]

    async def _measured(self, kind: str, caller: str) -> Timing:
        limits = self.pool.rules.limits
        try:
            reply = await self.pool.run(caller, "time_round", {"spec": kind})
        except OverLimit as error:
            message = f"one round of this job cannot be measured within {limits.wall_seconds:.0f} s"
            raise NotEstimable(f"{message}: {error}; try smaller batches") from None
        self._timings[kind] = Timing.model_validate(reply.document["result"])
        for oldest in list(self._timings)[:-MAX_TIMINGS]:
            del self._timings[oldest]
        return self._timings[kind]


def _kind(spec: JobSpec) -> str:
    """Return the spec of a kind of round: all that its times depend on, as JSON."""
    fields = spec.model_dump(mode="json", include=_FIELDS)
    return JobSpec.model_validate({"dataset": {"image_size": spec.dataset.image_size}} | fields).model_dump_json()
