"""Errors as RFC 9457 problems: one class and one table of codes; `exception_handlers` maps exceptions to them.

The table is the whole list of codes; the OpenAPI document is made from it. Under `/v2` the answer to a problem has the
form of the Open Inference Protocol, which knows no codes.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

CODES: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request cannot be read"),
    "malformed_json": (400, "The body is not JSON"),
    "unauthenticated": (401, "A valid API key is required"),
    "forbidden": (403, "Not allowed for this API key"),
    "foreign_origin": (403, "The request comes from another site"),
    "not_found": (404, "Nothing exists at this address"),
    "job_not_found": (404, "No such job"),
    "sweep_not_found": (404, "There is no such sweep"),
    "not_there_yet": (404, "The job has not produced this yet"),
    "method_not_allowed": (405, "Method not allowed at this address"),
    "not_acceptable": (406, "Not available in any accepted media type"),
    "dataset_exists": (409, "A data set of this name exists already"),
    "dataset_in_use": (409, "Existing jobs use this data set"),
    "illegal_transition": (409, "The job's status does not allow this"),
    "request_in_flight": (409, "The first request with this key is not answered yet"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "Unsupported content type"),
    "foreign_host": (421, "The request names another host"),
    "invalid": (422, "Some values are not valid"),
    "not_estimable": (422, "The cost of this job cannot be measured"),
    "over_limit": (422, "The request takes more memory or time than is allowed"),
    "idempotency_mismatch": (422, "The idempotency key was used with another body"),
    "queue_full": (429, "Too many jobs are waiting"),
    "quota_exceeded": (429, "Quota exceeded for this API key"),
    "busy": (429, "Too many requests of this kind are in progress"),
    "rate_limited": (429, "Too many requests"),
    "too_many_streams": (429, "Too many open event streams and waiting requests"),
    "headers_too_large": (431, "The request's headers are too large"),
    "internal_error": (500, "Internal server error"),
    "not_ready": (503, "A part of the service is unavailable"),
    "store_unavailable": (503, "The store does not answer"),
}
"""Code -> status and title. Codes are stable: programs may rely on them, and on nothing else of a problem."""

RETRY_AFTER_SECONDS = {"busy": 2, "queue_full": 5, "quota_exceeded": 5, "too_many_streams": 5, "not_ready": 2,
                       "store_unavailable": 2}  # fmt: skip
"""When the same request may succeed, for codes that do not depend on more."""
_BY_STATUS = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
              406: "not_acceptable", 413: "body_too_large", 415: "unsupported_media_type", 422: "invalid"}  # fmt: skip
MEDIA_TYPE = "application/problem+json"


class FaultDocument(BaseModel):
    """One fault of a request."""

    pointer: str = Field(
        description="JSON pointer into the body, or `#/query/NAME`, `#/header/NAME`, `#/path/NAME`",
        examples=["/network/layers/0/units"],
    )
    code: str = Field(examples=["greater_than_equal"])
    message: str
    suggestion: str | None = Field(None, description="the nearest known name", examples=["per-parameter"])


class ProblemDocument(BaseModel):
    """An error (RFC 9457). `code` is stable; `detail` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:dualtrain:problem:not_found"])
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    request_id: str | None = None
    errors: list[FaultDocument] | None = Field(None, description="one for each fault, with code `invalid`")


class Problem(Exception):
    """An error response. Raised anywhere below a route, it is sent; `extra` are members beside those of RFC 9457."""

    def __init__(self, code: str, detail: str, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.extra = code, detail, extra
        soon = RETRY_AFTER_SECONDS.get(code)
        self.headers = ({"Retry-After": str(soon)} if soon else {}) | (headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]

    def document(self, path: str, request_id: str | None = None) -> dict[str, Any]:
        """Return the members of the problem, as RFC 9457 has them."""
        status, title = CODES[self.code]
        members = {"type": f"urn:dualtrain:problem:{self.code}", "title": title, "status": status,
                   "code": self.code, "detail": self.detail, "instance": path, "request_id": request_id,
                   **self.extra}  # fmt: skip
        return {name: value for name, value in members.items() if value is not None}

    def response(self, path: str, request_id: str | None = None) -> JSONResponse:
        """Return the answer."""
        if f"{path}/".startswith("/v2/"):
            return JSONResponse({"error": self.detail}, self.status, self.headers)
        return JSONResponse(self.document(path, request_id), self.status, self.headers, MEDIA_TYPE)


def answer(request: Request, problem: Problem) -> JSONResponse:
    """Return a problem as the answer to a request."""
    return problem.response(request.url.path, request.scope.get("state", {}).get("request_id"))


def body_too_large(limit: int) -> Problem:
    """Return the problem of a body above `limit` bytes."""
    return Problem("body_too_large", f"the body is larger than the {_size(limit)} that this address accepts")


def _size(size_bytes: int) -> str:
    """Return a number of bytes in the largest unit that keeps it whole."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size_bytes % unit == 0:
            return f"{size_bytes // unit} {name}"
    return f"{size_bytes:,} bytes"


def from_status(status: int, detail: str, headers: dict[str, str] | None = None) -> Problem:
    """Return the problem for a bare HTTP status that the framework raised."""
    code = _BY_STATUS.get(status, "bad_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error")
    return Problem(code, detail, headers)


class InferenceError(BaseModel):
    """An error of the Open Inference Protocol."""

    error: str


def documented_errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's `responses` for these codes under `/v2`."""
    titles = _titles(codes)
    return {status: {"model": InferenceError, "description": "; ".join(titles[status].values())} for status in titles}


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's `responses` for problems with these codes, grouped by status."""
    return {
        status: {
            "model": ProblemDocument,
            "description": "; ".join(by_code.values()),
            "content": {MEDIA_TYPE: {"examples": {code: _example(code) for code in by_code}}},
        }
        for status, by_code in _titles(codes).items()
    }


def _example(code: str) -> dict[str, Any]:
    return {"value": Problem(code, CODES[code][1]).document("/v1/jobs")}


def _titles(codes: Iterable[str]) -> dict[int, dict[str, str]]:
    """Return the titles by code, by status."""
    titles: dict[int, dict[str, str]] = {}
    for code in codes:
        status, title = CODES[code]
        titles.setdefault(status, {})[code] = title
    return titles
