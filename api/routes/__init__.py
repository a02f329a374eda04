"""The routes, one noun a file."""

from fastapi import FastAPI

from api.routes import control, events, health, jobs, metrics, predictions, results, session, submit, workers


def include(app: FastAPI) -> None:
    """Add all routes to the application."""
    for module in (submit, jobs, control, events, results, predictions, workers, session, health, metrics):
        app.include_router(module.router)
