"""The size of a sweep before it is queued."""

from collections.abc import Sequence

from dualtrain.api.jobs import dry_run as dry_runs
from dualtrain.api.services import Services
from dualtrain.api.sweeps.views import SweepDryRun
from dualtrain.core.spec import JobSpec
from dualtrain.core.sweep import SweepSpec


def dry_run_of(sweep: SweepSpec, specs: Sequence[JobSpec], services: Services) -> SweepDryRun:
    """Return the size of a sweep; `specs` holds one spec for each cell. Raises Problem `not_estimable`."""
    workers = max(1, services.exchange.count_workers())
    cells = [dry_runs.dry_run(spec, services.settings, workers) for spec in specs]
    seeds = len(sweep.seed_list)
    return SweepDryRun(
        cells=len(specs),
        jobs=sweep.job_count,
        passes=seeds * sum(cell.passes for cell in cells),
        evaluations=seeds * sum(cell.evaluations for cell in cells),
        estimated_seconds=seeds * sum(cell.estimated_seconds for cell in cells),
    )
