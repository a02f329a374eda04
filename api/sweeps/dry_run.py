"""The size of a sweep before it is queued."""

import asyncio
from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool

from dualtrain.api.jobs import dry_run as dry_runs
from dualtrain.api.jobs.timings import NotEstimable
from dualtrain.api.schemas import DryRun
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.api.sweeps.views import SweepDryRun
from dualtrain.core.spec import JobSpec
from dualtrain.core.sweep import SweepSpec

MEASURE_SECONDS = 60.0
"""Time to measure the rounds of all cells."""


async def dry_run_of(sweep: SweepSpec, specs: Sequence[JobSpec], services: Services, key: Key) -> SweepDryRun:
    """Return the size of a sweep; `specs` holds one spec for each cell. Raises NotEstimable, Busy."""
    workers = max(1, await run_in_threadpool(services.exchange.count_workers))
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            cells = [await _cell(spec, workers, services, key) for spec in specs]
    except TimeoutError:
        message = f"the cells cannot be measured within {MEASURE_SECONDS:.0f} s"
        raise NotEstimable(f"{message}; ask again, as those measured so far are remembered") from None
    seeds = len(sweep.seed_list)
    return SweepDryRun(
        cells=len(specs),
        jobs=sweep.job_count,
        passes=seeds * sum(cell.passes for cell in cells),
        evaluations=seeds * sum(cell.evaluations for cell in cells),
        estimated_seconds=seeds * sum(cell.estimated_seconds for cell in cells),
    )


async def _cell(spec: JobSpec, workers: int, services: Services, key: Key) -> DryRun:
    timing = await services.timings.of(spec, key.name)
    return await run_in_threadpool(dry_runs.dry_run, spec, timing, services.settings, workers)
