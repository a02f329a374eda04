"""Data sets: what can be trained on, uploads and their end."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from dualtrain.api.dependencies import CallerDep, ServicesDep, administers, reads, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.http.headers import OCTETS, media_type
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.spool import spooled
from dualtrain.api.services import Services
from dualtrain.core.data import (
    DatasetError,
    Description,
    UnknownDataset,
    catalogue,
    describe,
    remove,
    uploaded,
)

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

FILE_BYTES = 256 << 20
MEDIA_TYPES = (
    "application/zip",
    "application/x-zip-compressed",
    "application/vnd.apache.parquet",
    "application/x-parquet",
    OCTETS,
)
"""What a file may be said to be; what it is, its first bytes tell."""
Name = Annotated[str, Path(max_length=200, examples=["my-digits"])]
UploadName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", examples=["my-digits"])]
_PROBLEMS = documented("unauthenticated", "forbidden", "invalid", "store_unavailable")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
    }
}


class DatasetView(BaseModel):
    """A data set. Of a hub name, classes and sizes are null when only the hub could tell them."""

    name: str
    source: Literal["bundled", "uploaded", "hub"]
    status: Literal["ready", "installing"] = "ready"
    classes: list[str] | None = None
    train_samples: int | None = None
    test_samples: int | None = None
    preprocessing: str | None = Field(None, description="how pictures are prepared: `mnist` or `none`")
    samples_read: int | None = Field(None, description="while it is installed: how far that is")


class DatasetList(BaseModel):
    """What can be trained on here, and what is being uploaded."""

    data: list[DatasetView]


@router.get("", dependencies=reads, response_model=DatasetList, responses=_PROBLEMS)
def list_datasets(services: ServicesDep) -> Any:
    """List what a job's `dataset.name` may be."""
    names = catalogue(services.settings.data_dir, services.settings.hub_datasets)
    coming = [_installing(name, read) for name, read in list(services.uploads.items()) if name not in names]
    return DatasetList(data=[*(_view(services, name) for name in names), *coming])


@router.get(
    "/{name:path}", dependencies=reads, response_model=DatasetView, responses={**_PROBLEMS, **documented("not_found")}
)
def get_dataset(services: ServicesDep, name: Name) -> Any:
    """Show a data set, or how far its upload is read."""
    if name in catalogue(services.settings.data_dir, services.settings.hub_datasets):
        return _view(services, name)
    if (read := services.uploads.get(name)) is not None:
        return _installing(name, read)
    raise Problem("not_found", f"there is no data set {name!r}; GET /v1/datasets lists them")


@router.put(
    "/{name}",
    status_code=201,
    dependencies=submits,
    response_model=DatasetView,
    max_body_size=FILE_BYTES,
    openapi_extra=_BODY,
    responses={
        **_PROBLEMS,
        **documented("bad_request", "dataset_exists", "body_too_large", "unsupported_media_type", "over_limit", "busy"),
    },
)
async def upload_dataset(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    name: UploadName,
    preprocessing: Annotated[
        Literal["none", "mnist"],
        Query(description="`mnist`: bring every picture to MNIST's form, light strokes centered on black"),
    ] = "none",
) -> Any:
    """Take a zip of class folders (`[train/ or test/]CLASS/FILE`), or a Parquet file with `image` and `label`.

    Pictures become grey, 28x28; pictures that are sent for prediction are prepared alike. Without a test split each
    seventh sample is one. Jobs rely on a data set, so it never changes.
    """
    if media_type(request, absent=OCTETS) not in MEDIA_TYPES:
        raise Problem("unsupported_media_type", f"send the file as one of: {', '.join(MEDIA_TYPES)}")
    pool = services.pools.installs
    with pool.admitted(key.name) as admission, _reserved(services, name):
        async with spooled(request, services.settings.data_dir, admission) as body:
            places = {"name": name, "data_dir": str(services.settings.data_dir)}
            arguments = {**places, "preprocessing": preprocessing}
            installing = pool.run(key.name, "install_dataset", arguments, (body,), partial(_progress, services, name))
            try:
                reply = await unless_disconnected(request, installing)
            except DatasetError as error:
                raise fault("", error.code, str(error)) from error
            except FileExistsError as error:
                raise Problem("dataset_exists", str(error)) from error
    return DatasetView.model_validate(reply.document["result"])


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    dependencies=administers,
    responses={**_PROBLEMS, **documented("not_found", "dataset_in_use")},
)
def delete_dataset(services: ServicesDep, name: UploadName) -> None:
    """Delete an uploaded data set that no job is kept of. All keys share the data sets, so this takes an `admin`."""
    missing = Problem("not_found", f"there is no uploaded data set {name!r}; GET /v1/datasets lists them")
    if uploaded(name, services.settings.data_dir) is None:
        raise missing
    specs = services.jobs.fields(services.jobs.ids(), "spec")
    if count := sum(spec["dataset"]["name"] == name for _, (spec,) in specs):
        raise Problem("dataset_in_use", f"jobs that are kept were posted for {name!r}: {count}; delete them first")
    try:
        remove(name, services.settings.data_dir)
    except UnknownDataset:  # somebody else was faster
        raise missing from None


@contextmanager
def _reserved(services: Services, name: str) -> Iterator[None]:
    """Reserve a name for one upload. Raises Problem when another one has it."""
    if name in services.uploads:
        raise Problem("dataset_exists", f"data set {name!r} is being uploaded already")
    services.uploads[name] = 0
    try:
        yield
    finally:
        del services.uploads[name]


async def _progress(services: Services, name: str, question: dict[str, Any]) -> Message:
    """Note how many samples of an upload are read."""
    services.uploads[name] = int(question["samples_read"])
    return Message({})


def _view(services: Services, name: str) -> DatasetView:
    try:
        return _described(describe(name, services.settings.data_dir))
    except UnknownDataset:  # the hub does not answer
        return DatasetView(name=name, source="hub")


def _described(found: Description) -> DatasetView:
    return DatasetView.model_validate(found, from_attributes=True)


def _installing(name: str, read: int) -> DatasetView:
    return DatasetView(name=name, source="uploaded", status="installing", samples_read=read)
