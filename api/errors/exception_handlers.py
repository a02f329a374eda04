"""Which problem an exception becomes: the framework's own errors, the store's, and what nobody expected."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from dualtrain.api.errors.problems import Problem, answer, from_status
from dualtrain.api.errors.validation import invalid
from dualtrain.api.jobs.timings import NotEstimable
from dualtrain.api.predictions.errors import MalformedBody, MalformedJSON, NoCheckpoint, ProtocolError, UnknownModel
from dualtrain.api.sandbox.errors import Busy, CannotStart, OverLimit
from dualtrain.core.store import Conflict, InFlight, Mismatch, QueueFull, ServerAway, ServerFull, UnknownJob
from dualtrain.core.store.sweeps import SweepConflict, UnknownSweep
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid, explained

EXPECTED: dict[type[Exception], Callable[[Any], Problem]] = {
    Conflict: lambda error: Problem("illegal_transition", str(error), job_status=error.status),
    QueueFull: lambda error: Problem("queue_full", f"{error}; try again later"),
    SweepConflict: lambda error: Problem("illegal_transition", str(error), sweep_status=error.status),
    UnknownSweep: lambda error: Problem(
        "sweep_not_found", f"there is no sweep {str(error)!r}; GET /v1/sweeps lists yours"
    ),
    UnknownJob: lambda error: Problem("job_not_found", f"there is no job {str(error)!r}; GET /v1/jobs lists yours"),
    InFlight: lambda error: Problem(
        "request_in_flight", f"the first request with key {str(error)!r} is not answered yet"
    ),
    Mismatch: lambda error: Problem(
        "idempotency_mismatch", f"key {str(error)!r} came before with another body; use a new key"
    ),
    Invalid: lambda error: invalid(error.faults, error.count),
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
    **dict.fromkeys(ServerAway, lambda error: Problem("store_unavailable", f"the store does not answer: {error}")),
}
"""What is raised anywhere below a route, and the problem that it becomes."""


def install(app: FastAPI) -> None:
    """Let every error of the application end in a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _validation)
    for kind in EXPECTED:
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(ResponseValidationError, _unexpected)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return answer(request, error)


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = methods(request.app, request.url.path) or set(headers.get("Allow", "").split(", "))
        headers["Allow"] = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
    return answer(request, from_status(error.status_code, str(error.detail), headers))


def methods(app: FastAPI, path: str) -> set[str]:
    """Return the documented methods of all routes at a path; the framework tells those of the first only."""
    found = [
        operations for template, operations in app.openapi()["paths"].items() if compile_path(template)[0].match(path)
    ]
    return {method.upper() for operations in found for method in operations}


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if error.errors()[0]["type"] == "json_invalid":
        return answer(request, Problem("malformed_json", str(error.errors()[0].get("ctx", {}).get("error", ""))))
    errors = error.errors()
    return answer(request, invalid((_place(fault, error.body) for fault in errors[:MAX_FAULTS]), len(errors)))


def _place(error: dict[str, Any], body: Any) -> Fault:
    """Return the fault of a parameter, or of the body, of a request that the framework has checked."""
    where, *rest = error["loc"]
    if where == "body":
        return explained({**error, "loc": tuple(rest)}, body, ())
    return Fault(f"#/{where}/{'/'.join(map(str, rest))}", error["type"], error["msg"])


async def _expected(request: Request, error: Exception) -> JSONResponse:
    return answer(request, next(made(error) for kind, made in EXPECTED.items() if isinstance(error, kind)))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    structlog.get_logger().error("a request failed", path=request.url.path, exc_info=error)
    return answer(request, Problem("internal_error", "this is a fault of the server; its log has the details"))
