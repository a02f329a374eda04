"""Sweeps: post one, show it with its table and curves; pause, resume, cancel and delete it as a whole."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import SPEC_BYTES, CallerDep, ServicesDep, reads, submits
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import parse
from dualtrain.api.http import cursors
from dualtrain.api.http.content_types import negotiate
from dualtrain.api.http.tables import CSV, PARQUET, table_forms, write_table
from dualtrain.api.jobs.submission import IdempotencyKey
from dualtrain.api.routes.jobs import LIMIT
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.api.sweeps import admission, tables
from dualtrain.api.sweeps.dry_run import dry_run_of
from dualtrain.api.sweeps.views import SweepDryRun, SweepHistory, SweepList, SweepTable, SweepView
from dualtrain.core.runtime.times import now
from dualtrain.core.store import Idempotency, UnknownJob
from dualtrain.core.store.sweeps import SweepRecord, UnknownSweep
from dualtrain.core.sweep import SweepSpec, SweepStatus, new_sweep_id

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])

SweepId = Annotated[str, Path(max_length=100, examples=["sweep-5f2c9a1be07d"])]
Accept = Annotated[str, Header(max_length=1000, examples=["text/csv"])]
_PROBLEMS = documented("unauthenticated", "forbidden", "invalid", "store_unavailable")
_ONE = {**_PROBLEMS, **documented("sweep_not_found")}
_CHANGED: dict[int | str, Any] = {
    202: {"model": SweepView, "description": "The sweep as it is now"},
    **_ONE,
    **documented("illegal_transition"),
}
_EXAMPLE = {
    "name": "estimators",
    "base": {"epochs": 3},
    "variants": [
        {"name": "exact", "set": {"gradient.method": "per-neuron"}},
        {"name": "activations", "set": {"gradient.method": "forward-gradient", "gradient.perturb": "activations"}},
    ],
    "grid": {"optimizer.learning_rate": [0.3, 0.1]},
    "seeds": 3,
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/SweepSpec"},
                "examples": {"estimators": {"summary": "two estimators, two rates, three seeds", "value": _EXAMPLE}},
            }
        },
    }
}


async def _posted(request: Request) -> SweepSpec:
    return await run_in_threadpool(parse, SweepSpec, await request.body())


def _owned_sweep(services: ServicesDep, key: CallerDep, sweep_id: SweepId) -> SweepRecord:
    """Return the sweep of the address. Raises UnknownSweep, also for another key's sweep."""
    sweep = services.sweeps.get(sweep_id)
    if not key.owns(sweep.owner):
        raise UnknownSweep(sweep_id)
    return sweep


SweepDep = Annotated[SweepRecord, Depends(_owned_sweep)]


@router.post(
    "",
    status_code=202,
    dependencies=submits,
    max_body_size=SPEC_BYTES,
    openapi_extra=_BODY,
    responses={
        202: {"model": SweepView, "headers": {"Location": {"schema": {"type": "string"}}}, "description": "Accepted"},
        200: {"model": SweepDryRun, "description": "With `dry_run=true`: the size of the sweep"},
        **documented("malformed_json", "unauthenticated", "forbidden", "body_too_large", "invalid", "not_estimable",
                     "idempotency_mismatch", "busy", "store_unavailable"),
    },
)  # fmt: skip
async def create_sweep(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    spec: Annotated[SweepSpec, Depends(_posted)],
    dry_run: bool = False,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Accept a sweep after every cell's spec was checked, or with `dry_run` tell how large it is."""
    specs = await run_in_threadpool(admission.check, spec, services, key)
    if dry_run:
        size = await unless_disconnected(request, dry_run_of(spec, specs, services, key))
        return Response(size.model_dump_json(), media_type="application/json")
    return await run_in_threadpool(_accept, services, key, spec, idempotency_key)


def _accept(services: Services, key: Key, spec: SweepSpec, idempotency_key: str | None) -> Response:
    """Write a sweep, once for an idempotency key: its id belongs to the key, and is written once. Raises Mismatch."""
    sweep_id = new_sweep_id()
    if idempotency_key:
        fingerprint = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
        sweep_id = Idempotency(services.store, key.owner).id_of(f"sweep/{idempotency_key}", fingerprint, sweep_id)
    document = spec.model_dump(mode="json")
    services.sweeps.create(SweepRecord(id=sweep_id, name=spec.name, owner=key.owner, created_at=now(), spec=document))
    shown = services.sweep_reader.view(services.sweeps.get(sweep_id)).model_dump_json()
    return Response(shown, 202, {"Location": f"/v1/sweeps/{sweep_id}"}, "application/json")


@router.get("", dependencies=reads, response_model=SweepList, responses=_PROBLEMS)
def list_sweeps(
    services: ServicesDep,
    key: CallerDep,
    limit: Annotated[int, Query(ge=1, description=f"at most {LIMIT}; more is taken as {LIMIT}")] = 20,
    after: Annotated[str | None, Query(max_length=64, description="`next` of the page before")] = None,
) -> SweepList:
    """List sweeps, newest first."""
    count = min(limit, LIMIT)
    page: list[tuple[int, SweepRecord]] = []
    for number, sweep in services.sweeps.newest(cursors.number(after)):
        if key.owns(sweep.owner):
            page.append((number, sweep))
        if len(page) > count:
            break
    shown = page[:count]
    following = cursors.encode(shown[-1][0]) if len(page) > count else None
    data = [services.sweep_reader.summary(sweep) for _, sweep in shown]
    return SweepList(data=data, has_more=following is not None, next=following)


@router.get("/{sweep_id}", dependencies=reads, response_model=SweepView, responses=_ONE)
def get_sweep(services: ServicesDep, sweep: SweepDep) -> SweepView:
    """Show a sweep with the figures of its cells."""
    return services.sweep_reader.view(sweep)


@router.get(
    "/{sweep_id}/table",
    dependencies=reads,
    response_model=SweepTable,
    responses={200: table_forms("name,set,n,test_accuracy_mean\r\n"), **_ONE, **documented("not_acceptable")},
)
def sweep_table(services: ServicesDep, sweep: SweepDep, accept: Accept = "*/*") -> Response:
    """Show mean and standard deviation of each cell: JSON, CSV or Parquet, by `Accept`."""
    form = negotiate(accept, ("application/json", CSV, PARQUET))
    table = services.sweep_reader.table(sweep)
    if form != "application/json":
        content = write_table(tables.rows(table), tables.COLUMNS, form)
        return Response(content, media_type=form, headers={"Vary": "Accept"})
    document = SweepTable(sweep_id=sweep.id, data=table).model_dump_json()
    return Response(document, media_type=form, headers={"Vary": "Accept"})


@router.get("/{sweep_id}/history", dependencies=reads, response_model=SweepHistory, responses=_ONE)
def sweep_history(services: ServicesDep, sweep: SweepDep) -> SweepHistory:
    """Show the mean curve of each cell over its seeds, with the standard deviation at each recorded step."""
    return services.sweep_reader.history(sweep)


@router.post("/{sweep_id}/pause", status_code=202, dependencies=submits, responses=_CHANGED)
def pause_sweep(services: ServicesDep, sweep: SweepDep) -> Response:
    """Pause a sweep: no more jobs are queued, and those that run are paused."""
    return _move(services, sweep, SweepStatus.PAUSED)


@router.post("/{sweep_id}/resume", status_code=202, dependencies=submits, responses=_CHANGED)
def resume_sweep(services: ServicesDep, sweep: SweepDep) -> Response:
    """Resume a paused sweep with the jobs that were paused with it."""
    return _move(services, sweep, SweepStatus.RUNNING)


@router.post("/{sweep_id}/cancel", status_code=202, dependencies=submits, responses=_CHANGED)
def cancel_sweep(services: ServicesDep, sweep: SweepDep) -> Response:
    """Cancel a sweep with all its jobs that have not ended."""
    return _move(services, sweep, SweepStatus.CANCELLED)


@router.delete(
    "/{sweep_id}",
    status_code=204,
    dependencies=submits,
    responses={204: {"description": "Deleted"}, **_ONE, **documented("illegal_transition")},
)
def delete_sweep(services: ServicesDep, key: CallerDep, sweep: SweepDep) -> Response:
    """Delete a sweep that has ended, with all its jobs."""
    _delete(services, key, sweep)
    return Response(status_code=204)


def _move(services: Services, sweep: SweepRecord, to: SweepStatus) -> Response:
    services.sweeps.move(sweep.id, to)
    services.sweep_runner.advance(sweep.id)
    shown = services.sweep_reader.view(services.sweeps.get(sweep.id))
    return Response(shown.model_dump_json(), 202, media_type="application/json")


def _delete(services: Services, key: Key, sweep: SweepRecord) -> None:
    """Delete the jobs first: a sweep that is still there after a crash can be deleted again. Raises Conflict."""
    for job_id in sorted(services.sweeps.created(sweep.id)):
        try:
            services.jobs.delete(job_id)
        except UnknownJob:
            continue
    services.sweeps.delete(sweep.id)
