"""Alive and ready. Machines go by the status code."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from dualtrain.api.dependencies import ServicesDep
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.core.store import ServerError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`checks` says for each part whether it can be reached, or how many there are."""

    status: Literal["ok"] = "ok"
    checks: dict[str, str] = {}


@router.get("/livez", response_model=Health)
async def alive() -> Any:
    """Say that this process answers; nothing else is checked."""
    return Health()


@router.get("/readyz", response_model=Health, responses=documented("not_ready"))
def ready(services: ServicesDep) -> Any:
    """Say whether the store and the exchange answer and a worker is alive; if not, `checks` of the problem says why."""
    probes: dict[str, Callable[[], object]] = {
        "store": services.store.ping,
        "exchange": services.exchange.server.ping,
        "workers": lambda: _workers(services.exchange.count_workers()),
    }
    checks = {name: _probe(probe) for name, probe in probes.items()}
    trouble = [f"{name}: {said}" for name, said in checks.items() if said != "ok" and not said.isdigit()]
    if trouble:
        raise Problem("not_ready", "; ".join(trouble), checks=checks)
    return Health(checks=checks)


def _workers(count: int) -> int:
    if not count:
        raise RuntimeError("none is alive")
    return count


def _probe(probe: Callable[[], object]) -> str:
    try:
        found = probe()
    except (ServerError, OSError, RuntimeError) as error:
        return str(error)
    return "ok" if found is True else str(found)
