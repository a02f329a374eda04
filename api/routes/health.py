"""Liveness and readiness. Machines go by the status code."""

from collections.abc import Callable
from typing import Any, Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel

from dualtrain.api.dependencies import ServicesDep
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.core.store import ServerError

router = APIRouter(tags=["health"])

UNAVAILABLE = "unavailable"
NO_WORKERS = "none is alive"


class Health(BaseModel):
    """`checks`: for each part of the service whether it is available, or how many of it there are."""

    status: Literal["ok"] = "ok"
    checks: dict[str, str] = {}


@router.get("/livez", response_model=Health)
async def alive() -> Any:
    """Answer while the process lives.

    Nothing else is checked.
    """
    return Health()


@router.get("/readyz", response_model=Health, responses=documented("not_ready"))
def ready(services: ServicesDep) -> Any:
    """Check that the store and the exchange answer and that a worker is alive.

    If not, `checks` of the problem names what is unavailable; the service's log has the reason.
    """
    probes: dict[str, Callable[[], str]] = {
        "store": lambda: _ok(services.store.ping()),
        "exchange": lambda: _ok(services.exchange.server.ping()),
        "workers": lambda: str(services.exchange.count_workers() or NO_WORKERS),
    }
    checks = {name: _result(name, probe) for name, probe in probes.items()}
    failed = [f"{name}: {result}" for name, result in checks.items() if result in (UNAVAILABLE, NO_WORKERS)]
    if failed:
        raise Problem("not_ready", "; ".join(failed), checks=checks)
    return Health(checks=checks)


def _ok(_: object) -> str:
    return "ok"


def _result(name: str, probe: Callable[[], str]) -> str:
    """Return what a probe found. Addresses stand in its exceptions, so these are for the log only."""
    try:
        return probe()
    except (ServerError, OSError) as error:
        structlog.get_logger().warning("a part of the service is unavailable", part=name, error=str(error))
        return UNAVAILABLE
