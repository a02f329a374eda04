"""The routes, one concern a file."""

from fastapi import FastAPI

from dualtrain.api.routes import (
    aliases,
    control,
    datasets,
    docs,
    events,
    health,
    jobs,
    metrics,
    models,
    oip,
    page,
    predictions,
    results,
    samples,
    session,
    submit,
    trace,
    workers,
)

MODULES = (
    submit,
    jobs,
    control,
    events,
    results,
    predictions,
    models,
    trace,
    aliases,
    oip,
    samples,
    datasets,
    workers,
    session,
    health,
    metrics,
    docs,
)
"""In the order in which the documentation shows them."""


def include(app: FastAPI) -> None:
    """Add all routes to the application."""
    for module in MODULES:
        app.include_router(module.router)
    docs.mount(app)
    page.include(app)
