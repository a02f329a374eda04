"""The routes, one concern a file."""

from fastapi import Depends, FastAPI

from dualtrain.api.errors.unknown_parameters import refuse_unknown_parameters
from dualtrain.api.routes import (
    aliases,
    bulk_actions,
    datasets,
    docs,
    events,
    health,
    job_actions,
    job_edits,
    job_log,
    job_submission,
    jobs,
    metrics,
    models,
    open_inference,
    page,
    predictions,
    results,
    samples,
    session,
    sweeps,
    trace,
    usage,
    webhook_deliveries,
    workers,
)

MODULES = (
    job_submission,
    jobs,
    bulk_actions,
    job_actions,
    job_edits,
    job_log,
    webhook_deliveries,
    events,
    results,
    sweeps,
    predictions,
    models,
    trace,
    aliases,
    open_inference,
    samples,
    datasets,
    workers,
    usage,
    session,
    health,
    metrics,
    docs,
)
"""In the order in which the documentation shows them."""


def include(app: FastAPI) -> None:
    """Add all routes to the application."""
    for module in MODULES:
        app.include_router(module.router, dependencies=[Depends(refuse_unknown_parameters)])
    docs.mount(app)
    page.include(app)
