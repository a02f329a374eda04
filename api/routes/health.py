"""Alive and ready. Machines go by the status code."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from redis.exceptions import RedisError

from api.deps import ServicesDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """`checks` says for each part whether it can be reached, or how many there are."""

    status: Literal["ok", "not ready"]
    checks: dict[str, str] = {}


_NOT_READY: dict[int | str, Any] = {503: {"model": Health, "description": "`checks` says why"}}


@router.get("/livez", response_model=Health)
async def alive() -> Any:
    """Say that this process answers; nothing else is checked."""
    return Health(status="ok")


@router.get("/readyz", response_model=Health, responses=_NOT_READY)
def ready(services: ServicesDep, response: Response) -> Any:
    """Say whether the store and the exchange answer and a worker is alive."""
    probes: dict[str, Callable[[], object]] = {
        "store": services.store.ping,
        "exchange": services.exchange.server.ping,
        "workers": lambda: _workers(services.exchange.count_workers()),
    }
    checks = {name: _probe(probe) for name, probe in probes.items()}
    is_ready = all(check == "ok" or check.isdigit() for check in checks.values())
    response.status_code = 200 if is_ready else 503
    return Health(status="ok" if is_ready else "not ready", checks=checks)


def _workers(count: int) -> int:
    if not count:
        raise RuntimeError("none is alive")
    return count


def _probe(probe: Callable[[], object]) -> str:
    try:
        found = probe()
    except (RedisError, OSError, RuntimeError) as error:
        return str(error)
    return "ok" if found is True else str(found)
