"""The service, from a program."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from client.job import JobHandle
from client.predictions import Image, Pixels, Prediction, body, parse
from client.transport import Transport
from core.job import Job, Status

if TYPE_CHECKING:
    from core.spec import JobSpec

URL = "http://127.0.0.1:8000"
PAGE = 100


class Client:
    """Talks to a dualtrain service. A server that is away is asked again for `patience_seconds`.

    >>> with Client() as client:
    ...     job = client.submit({"epochs": 2})
    ...     job.wait(progress=True)
    """

    def __init__(self, url: str = URL, api_key: str | None = None, *, patience_seconds: float = 30.0) -> None:
        self._transport = Transport(url, api_key, patience_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.http.close()

    def submit(self, spec: "JobSpec | Mapping[str, Any] | None" = None, *, key: str | None = None) -> JobHandle:
        """Queue a job: exactly one, also when answers are lost and when it is called again with the same `key`.

        Every field of the spec has a default. Raises ApiError with the place of each fault.
        """
        headers = {"Idempotency-Key": key or uuid4().hex}
        answer = self._transport.request("POST", "/v1/jobs", json=_document(spec), headers=headers)
        return JobHandle(self._transport, Job.model_validate(answer.json()))

    def plan(self, spec: "JobSpec | Mapping[str, Any] | None" = None) -> dict[str, Any]:
        """Return what a job would be: passes, memory, estimated time. Nothing is queued."""
        answer = self._transport.request("POST", "/v1/jobs", json=_document(spec), params={"dry_run": "true"})
        return _document(answer.json())

    def job(self, job_id: str) -> JobHandle:
        """Return a job. Raises ApiError `job_not_found`."""
        answer = self._transport.request("GET", f"/v1/jobs/{job_id}")
        return JobHandle(self._transport, Job.model_validate(answer.json()))

    def jobs(
        self, *, status: Status | str | None = None, metadata: Mapping[str, str] | None = None, limit: int | None = None
    ) -> Iterator[JobHandle]:
        """Yield jobs, newest first, page by page as they are asked for."""
        labels = {f"metadata[{name}]": value for name, value in (metadata or {}).items()}
        wanted: dict[str, str | int] = {**labels, "limit": min(limit or PAGE, PAGE)}
        if status is not None:
            wanted["status"] = str(status)
        return islice(self._all_jobs(wanted), limit)

    def predict(self, *images: Image, pixels: Iterable[Pixels] = (), model: str | None = None) -> list[Prediction]:
        """Return a prediction for each image by the best model there is, or by that of a job's id or an alias."""
        parameters = {"model": model} if model else {}
        answer = self._transport.request("POST", "/v1/predictions", params=parameters, **body(images, pixels))
        return parse(answer)

    def workers(self) -> list[dict[str, Any]]:
        """Return the worker processes that are alive."""
        return self._list("/v1/workers")

    def datasets(self) -> list[dict[str, Any]]:
        """Return what can be trained on."""
        return self._list("/v1/datasets")

    def samples(self, dataset: str = "mnist", *, split: str = "test", limit: int = 10) -> list[dict[str, Any]]:
        """Return the first samples of a split: `pixels` as `predict` takes them, and the `label`."""
        return self._list(f"/v1/datasets/{dataset}/samples", split=split, limit=limit)

    def ready(self) -> dict[str, Any]:
        """Return what the service says of its parts: store, exchange, workers. Raises ApiError when it is not ready."""
        return _document(self._transport.request("GET", "/readyz").json())

    def _all_jobs(self, wanted: dict[str, str | int]) -> Iterator[JobHandle]:
        after: str | None = ""
        while after is not None:
            page = self._transport.request(
                "GET", "/v1/jobs", params=wanted | ({"after": after} if after else {})
            ).json()
            yield from (JobHandle(self._transport, Job.model_validate(one)) for one in page["data"])
            after = page["next"]

    def _list(self, path: str, **parameters: str | int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._transport.request("GET", path, params=parameters).json()["data"]
        return found


def _document(spec: "JobSpec | Mapping[str, Any] | None") -> dict[str, Any]:
    if spec is None:
        return {}
    return dict(spec) if isinstance(spec, Mapping) else spec.model_dump(mode="json")
