"""The problem that each exception becomes: those of the domain, of the store, of the framework, and unexpected ones."""

from collections.abc import Callable
from http import HTTPStatus
from itertools import islice
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from dualtrain.api.errors.problems import Problem, answer, from_status
from dualtrain.api.errors.validation import invalid
from dualtrain.api.jobs.timings import NotEstimable
from dualtrain.api.predictions.errors import MalformedBody, MalformedJSON, NoCheckpoint, ProtocolError, UnknownModel
from dualtrain.api.sandbox.errors import Busy, CannotStart, OverLimit
from dualtrain.api.security import (
    ForeignHost,
    ForeignOrigin,
    MissingScope,
    NotOnLoopback,
    RateLimited,
    TooManyStreams,
    Unauthenticated,
)
from dualtrain.core.store import Conflict, InFlight, Mismatch, QueueFull, ServerAway, ServerFull, UnknownJob
from dualtrain.core.store.sweeps import SweepConflict, UnknownSweep
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid, explained

TABLE: dict[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda error: error,
    Invalid: lambda error: invalid(error.faults, error.count),
    Unauthenticated: lambda error: Problem("unauthenticated", str(error), {"WWW-Authenticate": "Bearer"}),
    MissingScope: lambda error: Problem("forbidden", str(error)),
    NotOnLoopback: lambda error: Problem("forbidden", str(error)),
    ForeignHost: lambda error: Problem("foreign_host", str(error)),
    ForeignOrigin: lambda error: Problem("foreign_origin", str(error)),
    RateLimited: lambda error: Problem("rate_limited", str(error), {"Retry-After": str(error.wait_seconds)}),
    TooManyStreams: lambda error: Problem("too_many_streams", str(error)),
    Conflict: lambda error: Problem("illegal_transition", str(error), job_status=error.status),
    SweepConflict: lambda error: Problem("illegal_transition", str(error), sweep_status=error.status),
    QueueFull: lambda error: Problem("queue_full", f"{error}; try again later"),
    UnknownSweep: lambda error: Problem(
        "sweep_not_found", f"there is no sweep {str(error)!r}; GET /v1/sweeps lists yours"
    ),
    UnknownJob: lambda error: Problem("job_not_found", f"there is no job {str(error)!r}; GET /v1/jobs lists yours"),
    InFlight: lambda error: Problem(
        "request_in_flight", f"the first request with key {str(error)!r} is not answered yet"
    ),
    Mismatch: lambda error: Problem(
        "idempotency_mismatch", f"key {str(error)!r} was used before with another body; use a new key"
    ),
    MalformedBody: lambda error: Problem("bad_request", str(error)),
    MalformedJSON: lambda error: Problem("malformed_json", str(error)),
    ProtocolError: lambda error: Problem("bad_request", str(error)),
    UnknownModel: lambda error: Problem("job_not_found", str(error)),
    NoCheckpoint: lambda error: Problem("not_there_yet", str(error)),
    NotEstimable: lambda error: Problem("not_estimable", str(error)),
    Busy: lambda error: Problem("busy", str(error)),
    CannotStart: lambda error: Problem("not_ready", str(error)),
    OverLimit: lambda error: Problem("over_limit", f"{error}; send less at once"),
    ClientDisconnect: lambda _: Problem("bad_request", "the client has left before its request was answered"),
    ServerFull: lambda _: Problem(
        "store_unavailable", "the store is full: delete jobs that have ended, or give it more memory"
    ),
    **dict.fromkeys(ServerAway, lambda error: _store_unavailable(error)),
}
"""Exceptions that may be raised anywhere below a route, and their problems."""


def install(app: FastAPI) -> None:
    """Handle the framework's own errors here; the middleware `ProblemResponses` handles all others."""
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _validation)


def problem_of(error: Exception, path: str) -> Problem:
    """Return the problem of an exception that a request to `path` ended with; an unexpected one is logged."""
    make = next((make for kind, make in TABLE.items() if isinstance(error, kind)), None)
    if make is not None:
        return make(error)
    structlog.get_logger().error("a request failed", path=path, exc_info=error)
    return Problem("internal_error", "this is a fault of the server; its log has the details")


def _store_unavailable(error: Exception) -> Problem:
    """Return the problem of a store that does not answer; its address is for the log only."""
    structlog.get_logger().warning("the store does not answer", error=str(error))
    return Problem("store_unavailable", "the store does not answer; try again in a moment")


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = methods(request.app, request.url.path) or set(headers.get("Allow", "").split(", "))
        headers["Allow"] = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
    return answer(request, from_status(error.status_code, str(error.detail), headers))


def methods(app: FastAPI, path: str) -> set[str]:
    """Return the documented methods of all routes at a path; the framework reports those of the first only.

    An address that is a route itself, as `/v1/jobs/actions`, has its own methods alone.
    """
    documented = app.openapi()["paths"]
    matching = (
        [documented[path]]
        if path in documented
        else [operations for template, operations in documented.items() if compile_path(template)[0].match(path)]
    )
    return {method.upper() for operations in matching for method in operations}


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if errors[0]["type"] == "json_invalid":
        return answer(request, Problem("malformed_json", str(errors[0].get("ctx", {}).get("error", ""))))
    faults = [_fault(detail, error.body) for detail in islice(errors, MAX_FAULTS)]
    return answer(request, invalid(faults, len(errors)))


def _fault(error: dict[str, Any], body: Any) -> Fault:
    """Return the fault of a parameter, or of the body, of a request that the framework has checked."""
    where, *rest = error["loc"]
    if where == "body":
        return explained({**error, "loc": tuple(rest)}, body, ())
    return Fault(f"#/{where}/{'/'.join(map(str, rest))}", error["type"], error["msg"])
