"""The log of a job."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.http.content_types import negotiate
from dualtrain.api.security import Scope
from dualtrain.core.job import Transition

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"], dependencies=reads)

_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}, "example": "2026-01-01T00:00:00Z info job taken\n"}}}
_HIDDEN = ("job", "logger", "request_id", "timestamp", "level", "event")


class LogRecord(BaseModel):
    """A log record; other members depend on the event."""

    model_config = ConfigDict(extra="allow")

    at: str
    level: str
    event: str


class JobLog(BaseModel):
    """The log of a job, newest last: its changes of status, and what the service logged about it (500 records)."""

    job_id: str
    data: list[LogRecord]


@router.get(
    "/log",
    response_model=JobLog,
    responses={
        200: _TEXT,
        **documented("unauthenticated", "forbidden", "job_not_found", "not_acceptable", "invalid", "store_unavailable"),
    },
)
def job_log(
    services: ServicesDep,
    key: CallerDep,
    job: JobDep,
    accept: Annotated[str, Header(max_length=1000, examples=["text/plain"])] = "*/*",
) -> Response:
    """Show what the service logged about the job, newest last: JSON, or text with `Accept: text/plain`.

    Tracebacks are shown to admins only.
    """
    form = negotiate(accept, ("application/json", "text/plain"))
    logged = [_record(entry, key.may(Scope.ADMIN)) for entry in services.logs.read(job.id)]
    records = sorted([*map(_changed, job.transitions), *logged], key=lambda record: record.at)
    if form == "text/plain":
        text = "".join(map(_line, records))
        return Response(text, media_type="text/plain; charset=utf-8", headers={"Vary": "Accept"})
    document = JobLog(job_id=job.id, data=records).model_dump_json()
    return Response(document, 200, {"Vary": "Accept"}, "application/json")


def _changed(transition: Transition) -> LogRecord:
    reason = {"reason": transition.reason.code, "message": transition.reason.message} if transition.reason else {}
    return LogRecord(at=transition.at, level="info", event=f"status {transition.status.value}", **reason)


def _record(entry: dict[str, Any], whole: bool) -> LogRecord:
    others = {name: value for name, value in entry.items() if name not in _HIDDEN and (whole or name != "exception")}
    return LogRecord(at=entry["timestamp"], level=entry["level"], event=entry["event"], **others)


def _line(record: LogRecord) -> str:
    details = " ".join(f"{name}={value}" for name, value in (record.model_extra or {}).items())
    return f"{record.at} {record.level} {record.event} {details}".rstrip() + "\n"
