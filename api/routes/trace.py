"""The tangent of one parameter on its way to the loss."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, Step, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.predictions.tracing import TraceView
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.sandbox.spool import spooled

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["models"], dependencies=reads)

BODY_BYTES = 16 << 20
_JSON = "application/json"
_BODY = {"requestBody": {"content": {_JSON: {"schema": {"$ref": "#/components/schemas/TraceRequest"}}}}}


@router.post(
    "/trace",
    openapi_extra=_BODY,
    responses={
        200: {"model": TraceView},
        **documented("malformed_json", "unauthenticated", "forbidden", "job_not_found", "not_there_yet",
                     "body_too_large", "invalid", "over_limit", "busy", "store_unavailable"),
    },
    max_body_size=BODY_BYTES,
)  # fmt: skip
async def trace_direction(
    request: Request, services: ServicesDep, key: CallerDep, job: JobDep, step: Step = "last"
) -> Any:
    """Follow `W + E_ij·ε` through the layers to the loss, with the finite difference beside the derivative."""
    pool, settings = services.pools.answers, services.settings
    with pool.admitted(key.name) as admission:
        async with spooled(request, settings.data_dir, admission) as body:
            model = await run_in_threadpool(services.models.of_job, key, job.id, step)
            places = {"data_dir": str(settings.data_dir), "hub_datasets": settings.hub_datasets}
            arguments = {"model": model.document, **places}
            tracing = pool.run(key.name, "trace", arguments, (body, model.file))
            reply = await unless_disconnected(request, tracing)
    return Response(reply.block, media_type=_JSON)
