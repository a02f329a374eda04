"""Client of the service: `Client` blocks, `AsyncClient` is awaited."""

import sys
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar, cast
from uuid import uuid4

from dualtrain.client.http import Wire
from dualtrain.client.job import AsyncJobHandle, JobHandle
from dualtrain.client.predictions import Image, Pixels, Prediction, body, parse
from dualtrain.client.records import (
    Alias,
    BulkResult,
    DatasetInfo,
    DryRun,
    Sample,
    Usage,
    WorkerInfo,
)
from dualtrain.client.retry import Transport, listed, parsed
from dualtrain.client.sweep import AsyncSweepHandle, SweepHandle
from dualtrain.client.sweep_calls import SweepCalls
from dualtrain.client.sync_async import Awaited, Blocking, stream, verb
from dualtrain.core.job import Job, Status

if TYPE_CHECKING:
    from dualtrain.core.spec import JobSpec

URL = "http://127.0.0.1:8000"
PAGE = 100

H = TypeVar("H", JobHandle, AsyncJobHandle)


class ClientVerbs(Generic[H]):
    """Calls of the service, shared by both clients."""

    _wire: ClassVar[type[Wire]]
    _handle: type[H]

    def __init__(self, url: str = URL, api_key: str | None = None, *, patience_seconds: float = 30.0) -> None:
        self._transport = Transport(self._wire, url, api_key, patience_seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.url!r})"

    @verb
    async def close(self) -> None:
        """Close the connections."""
        await self._transport.wire.close()

    @verb
    async def submit(self, spec: "JobSpec | Mapping[str, Any] | None" = None, *, key: str | None = None) -> H:
        """Queue a job; calling again with the same `key`, or losing the response, makes no second one.

        Every field of the spec has a default. Raises ApiError with the place of each invalid field.
        """
        headers = {"Idempotency-Key": key or uuid4().hex}
        answer = await self._transport.request("POST", "/v1/jobs", json=_document(spec), headers=headers)
        return self._job(parsed(answer, Job.model_validate))

    @verb
    async def dry_run(self, spec: "JobSpec | Mapping[str, Any] | None" = None) -> DryRun:
        """Return what a job would take: passes, memory, estimated time. Nothing is queued."""
        answer = await self._transport.request("POST", "/v1/jobs", json=_document(spec), params={"dry_run": "true"})
        return cast(DryRun, parsed(answer, dict))

    @verb
    async def job(self, job_id: str) -> H:
        """Return a job. Raises ApiError `job_not_found`."""
        answer = await self._transport.request("GET", f"/v1/jobs/{job_id}")
        return self._job(parsed(answer, Job.model_validate))

    @stream
    async def jobs(
        self,
        /,
        *,
        status: Status | str | Sequence[Status | str] | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
        **filters: str | float | None,
    ) -> AsyncGenerator[H, None]:
        """Yield jobs, newest first, loading page by page.

        Further `filters`: name (contained), method, dataset, sweep, owner, created_after, created_before,
        min_accuracy; `sort` is a column such as "-test_accuracy".
        """
        query: list[tuple[str, str]] = _filters(status, metadata, filters)
        left = sys.maxsize if limit is None else limit
        after: str | None = ""
        while left > 0 and after is not None:
            parameters = [*query, ("limit", str(min(left, PAGE))), *([("after", after)] if after else [])]
            answer = await self._transport.request("GET", "/v1/jobs", params=parameters)
            page, after = parsed(answer, _page)
            for record in page:
                yield self._job(record)
            left -= len(page)

    @verb
    async def act(
        self,
        action: Literal["cancel", "delete", "pause", "resume"],
        filter: Mapping[str, Any],
        *,
        dry_run: bool = False,
    ) -> BulkResult:
        """Cancel, delete, pause or resume all jobs that fit a filter, such as `{"status": ["failed"]}`."""
        document = {"action": action, "filter": dict(filter), "dry_run": dry_run}
        return cast(BulkResult, parsed(await self._transport.request("POST", "/v1/jobs/actions", json=document), dict))

    @verb
    async def usage(self) -> list[Usage]:
        """Return jobs, passes, worker seconds and stored bytes by API key."""
        return cast(list[Usage], await self._list("/v1/usage", by="key"))

    @verb
    async def predict(
        self, *images: Image | Sequence[Image], pixels: Iterable[Pixels] = (), model: str | None = None
    ) -> list[Prediction]:
        """Return a prediction for each image, by the best model or by that of a job's id or an alias."""
        parameters = {"model": model} if model else {}
        answer = await self._transport.request("POST", "/v1/predictions", params=parameters, **body(images, pixels))
        return parse(answer)

    @verb
    async def workers(self) -> list[WorkerInfo]:
        """Return the living worker processes."""
        return cast(list[WorkerInfo], await self._list("/v1/workers"))

    @verb
    async def datasets(self) -> list[DatasetInfo]:
        """Return the data sets that jobs can train on."""
        return cast(list[DatasetInfo], await self._list("/v1/datasets"))

    @verb
    async def aliases(self) -> list[Alias]:
        """Return the aliases of models."""
        return cast(list[Alias], await self._list("/v1/aliases"))

    @verb
    async def set_alias(self, name: str, job_id: str, *, step: str | int = "last") -> Alias:
        """Let a name stand for a job's model; `step` is `last`, `best` or a stored step."""
        document = {"job_id": job_id, "step": step}
        return cast(Alias, parsed(await self._transport.request("PUT", f"/v1/aliases/{name}", json=document), dict))

    @verb
    async def delete_alias(self, name: str) -> None:
        """Delete an alias; its model stays. Raises ApiError `not_found`."""
        await self._transport.request("DELETE", f"/v1/aliases/{name}")

    @verb
    async def upload(self, name: str, path: str | Path) -> DatasetInfo:
        """Upload a data set: a zip of class folders, or Parquet with `image` and `label`; return its description.

        Raises ApiError `dataset_exists`, also when the response to this very upload was lost; `invalid` with the
        reason when the file cannot be read.
        """
        sent = {"content": Path(path).read_bytes(), "headers": {"Content-Type": "application/octet-stream"}}
        return cast(DatasetInfo, parsed(await self._transport.request("PUT", f"/v1/datasets/{name}", **sent), dict))

    @verb
    async def delete_dataset(self, name: str) -> None:
        """Delete an uploaded data set that no stored job uses. Raises ApiError `dataset_in_use`, `not_found`."""
        await self._transport.request("DELETE", f"/v1/datasets/{name}")

    @verb
    async def samples(self, dataset: str = "mnist", *, split: str = "test", limit: int = 10) -> list[Sample]:
        """Return the first samples of a split, with `pixels` as `predict` accepts them."""
        return cast(list[Sample], await self._list(f"/v1/datasets/{dataset}/samples", split=split, limit=limit))

    @verb
    async def ready(self) -> dict[str, Any]:
        """Return the state of store, exchange and workers. Raises ApiError when the service is not ready."""
        return parsed(await self._transport.request("GET", "/readyz"), dict)

    def _job(self, record: Job) -> H:
        return self._handle(self._transport, record)

    async def _list(self, path: str, **parameters: str | int) -> list[dict[str, Any]]:
        return listed(await self._transport.request("GET", path, params=parameters))


class Client(ClientVerbs[JobHandle], SweepCalls[SweepHandle], Blocking):
    """Client of a dualtrain service. Requests to an unavailable server are retried for `patience_seconds`.

    >>> with Client() as client:
    ...     job = client.submit({"epochs": 2})
    ...     job.wait(progress=True)
    """

    _handle = JobHandle
    _sweep_handle = SweepHandle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(ClientVerbs[AsyncJobHandle], SweepCalls[AsyncSweepHandle], Awaited):
    """Client of a dualtrain service whose calls are awaited.

    >>> async with AsyncClient() as client:
    ...     job = await client.submit({"epochs": 2})
    ...     async for event in job.events():
    ...         print(event.type)
    """

    _handle = AsyncJobHandle
    _sweep_handle = AsyncSweepHandle

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _filters(
    status: Status | str | Sequence[Status | str] | None,
    metadata: Mapping[str, str] | None,
    others: Mapping[str, str | float | None],
) -> list[tuple[str, str]]:
    """Return query parameters."""
    statuses = [status] if isinstance(status, str) else status or ()
    pairs = [("status", str(value)) for value in statuses]
    pairs += [(f"metadata[{name}]", value) for name, value in (metadata or {}).items()]
    return pairs + [(name, str(value)) for name, value in others.items() if value is not None]


def _page(reply: Any) -> tuple[list[Job], str | None]:
    return [Job.model_validate(record) for record in reply["data"]], reply["next"]


def _document(spec: "JobSpec | Mapping[str, Any] | None") -> dict[str, Any]:
    if spec is None:
        return {}
    return dict(spec) if isinstance(spec, Mapping) else spec.model_dump(mode="json")
