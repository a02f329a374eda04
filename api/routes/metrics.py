"""Prometheus metrics, computed from the store when they are asked for: right with any number of processes."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import CollectorRegistry

from dualtrain.api.dependencies import ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.metrics import Measures

router = APIRouter(tags=["health"], dependencies=reads)

_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format"}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: _TEXT, **documented("unauthenticated", "forbidden", "store_unavailable")},
)
def metrics(services: ServicesDep) -> Response:
    """Jobs by status, queue, workers, retries, passes, round and request times."""
    services.counters.flush()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures(services))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
