"""Aliases: names for models, which predictions and `initial_weights` understand."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.dependencies import CallerDep, ServicesDep, find_job, reads, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.job import is_id

router = APIRouter(prefix="/v1/aliases", tags=["models"])

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["digits"])]
_PROBLEMS = documented("unauthenticated", "forbidden", "invalid", "store_unavailable")
_MISSING = documented("not_found")


class AliasRequest(BaseModel):
    """A job's model. `last` goes with the job while it trains; `best` is the one that is the best now."""

    model_config = ConfigDict(extra="forbid")

    job_id: str = Field(max_length=100, examples=["job-5f2c9a1be07d"])
    step: Literal["last", "best"] | Annotated[int, Field(ge=0, le=10**12)] = "last"


class AliasView(BaseModel):
    """What a name stands for; `step` is null where it is the newest checkpoint, whichever that is."""

    name: str
    job_id: str
    step: int | None


class AliasList(BaseModel):
    """The caller's aliases, by name."""

    data: list[AliasView]


@router.get("", dependencies=reads, response_model=AliasList, responses=_PROBLEMS)
def list_aliases(services: ServicesDep, key: CallerDep) -> Any:
    """List the names that have been given to models."""
    found = sorted(services.documents.aliases().items())
    return AliasList(data=[_view(name, value) for name, value in found if key.owns(value.get("owner"))])


@router.get("/{name}", dependencies=reads, response_model=AliasView, responses={**_PROBLEMS, **_MISSING})
def get_alias(services: ServicesDep, key: CallerDep, name: Name) -> Any:
    """Show what a name stands for."""
    return _view(name, _own(services, key, name))


@router.put(
    "/{name}",
    dependencies=submits,
    response_model=AliasView,
    responses={**_PROBLEMS, **documented("malformed_json", "not_found", "job_not_found", "not_there_yet")},
)
def put_alias(services: ServicesDep, key: CallerDep, name: Name, asked: AliasRequest) -> Any:
    """Let a name stand for a job's model, whatever it stood for before."""
    if is_id(name):
        message = f"{name!r} has the form of a job's id; choose another name"
        raise fault("#/path/name", "form_of_a_job_id", message)
    present = services.documents.alias(name)
    if present is not None and not key.owns(present.get("owner")):
        raise Problem("not_found", f"{name!r} is taken, and no alias of yours; choose another name")
    find_job(services, key, asked.job_id)
    step = None if asked.step == "last" else services.models.of_job(key, asked.job_id, str(asked.step)).step
    value = {"job_id": asked.job_id, "step": step, "owner": key.owner}
    services.documents.put_alias(name, value)
    return _view(name, value)


@router.delete(
    "/{name}", status_code=204, dependencies=submits, responses={204: {"description": "Gone"}, **_PROBLEMS, **_MISSING}
)
def delete_alias(services: ServicesDep, key: CallerDep, name: Name) -> Response:
    """Forget a name; the model stays."""
    _own(services, key, name)
    services.documents.remove_alias(name)
    return Response(status_code=204)


def _own(services: Services, key: Key, name: str) -> dict[str, Any]:
    found = services.documents.alias(name)
    if found is None or not key.owns(found.get("owner")):
        raise Problem("not_found", f"there is no alias {name!r}; GET /v1/aliases lists yours")
    return found


def _view(name: str, value: dict[str, Any]) -> AliasView:
    return AliasView(name=name, job_id=value["job_id"], step=value["step"])
