"""The pools of a service: short requests for answers, uploads, and measurements do not wait for each other."""

from dataclasses import dataclass

from dualtrain.api.sandbox.limits import Limits
from dualtrain.api.sandbox.pool import Pool, Rules
from dualtrain.core.settings import Settings

GIB = 1 << 30
ANSWERS = Rules(
    processes=4,
    running_per_caller=2,
    admitted_per_caller=32,
    limits=Limits(memory_bytes=GIB, processor_seconds=30, wall_seconds=60),
    niceness=5,
    spare=1,
)
"""Predictions, traces, samples, models from files: behind the API and the aggregator, before the workers."""
INSTALLS = Rules(
    processes=4,
    running_per_caller=1,
    admitted_per_caller=2,
    limits=Limits(memory_bytes=GIB, processor_seconds=600, wall_seconds=1200),
)
"""Uploaded data sets, and data sets of the hub that this host reads for the first time."""
MEASUREMENTS = Rules(
    processes=2,
    running_per_caller=1,
    admitted_per_caller=8,
    limits=Limits(memory_bytes=2 * GIB, processor_seconds=30, wall_seconds=30),
)
"""Times of rounds for dry runs; more of them at once would slow each other."""


@dataclass(frozen=True)
class Pools:
    """The pools of one service."""

    answers: Pool
    installs: Pool
    measurements: Pool

    @classmethod
    def of(cls, settings: Settings) -> "Pools":
        """Return the pools; their children compute as `settings` say."""
        return cls(*(Pool(rules, settings.arithmetic()) for rules in (ANSWERS, INSTALLS, MEASUREMENTS)))

    def warm(self) -> None:
        """Start the spare children in the background."""
        for pool in self._all():
            pool.warm()

    async def close(self) -> None:
        """End all children that are idle."""
        for pool in self._all():
            await pool.close()

    def _all(self) -> tuple[Pool, Pool, Pool]:
        return self.answers, self.installs, self.measurements
