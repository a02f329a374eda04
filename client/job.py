"""One job on the server."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Literal, Self, cast
from uuid import uuid4

import httpx2

from dualtrain.client.errors import ApiError, DualtrainError
from dualtrain.client.events import Event, follow
from dualtrain.client.html import summary_html
from dualtrain.client.predictions import Image, Pixels, Prediction, body, parse
from dualtrain.client.progress import bar
from dualtrain.client.records import CheckpointInfo, Evaluation, HistoryPoint
from dualtrain.client.retry import Transport, listed, parsed
from dualtrain.client.sync_async import Awaited, Blocking, stream, verb
from dualtrain.core.job import ENDED, Job, Status

Format = Literal["safetensors", "npz", "onnx"]
ILLEGAL = "illegal_transition"
ENDINGS: dict[str, Format] = {".safetensors": "safetensors", ".npz": "npz", ".onnx": "onnx"}


def format_of(path: Path) -> Format:
    """Return the format of a file's ending. Raises ValueError for an unknown one."""
    if path.suffix not in ENDINGS:
        raise ValueError(f"{path.name} ends with none of {', '.join(ENDINGS)}")
    return ENDINGS[path.suffix]


class JobVerbs:
    """Calls about one job; `record` is its last known state."""

    def __init__(self, transport: Transport, record: Job) -> None:
        self._transport = transport
        self.record = record

    def __repr__(self) -> str:
        steps = f"step {self.record.progress.step} of {self.record.progress.total_steps}"
        return f"<{type(self).__name__} {self.id}: {self.record.status.value}, {steps}>"

    def _repr_html_(self) -> str:
        return summary_html(self.record)

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def ended(self) -> bool:
        """True if the job has ended, by its last known state."""
        return self.record.status in ENDED

    @verb
    async def refresh(self) -> Job:
        """Load and return the job's current state."""
        return await self._refresh()

    @stream
    def events(self, after: str | None = None) -> AsyncGenerator[Event, None]:
        """Yield events until `done`, from the beginning or after an event's id; lost connections are restored."""
        return self._events(after)

    @verb
    async def wait(self, *, progress: bool = False, on_event: Callable[[Event], None] | None = None) -> Job:
        """Wait for the job's end and return it, whatever its status; `progress` shows a bar in the terminal."""
        with bar(self.record, visible=progress) as show:
            async with aclosing(self._events()) as events:
                async for event in events:
                    show(event)
                    if on_event is not None:
                        on_event(event)
        return await self._refresh()

    @verb
    async def pause(self) -> Job:
        """Pause; a paused job stays paused."""
        return await self._move("pause", Status.PAUSED)

    @verb
    async def resume(self) -> Job:
        """Resume a paused job; a running one stays running."""
        return await self._move("resume", Status.RUNNING)

    @verb
    async def cancel(self) -> Job:
        """Cancel the job; a cancelled one stays cancelled."""
        return await self._move("cancel", Status.CANCELLED)

    @verb
    async def retry(self) -> Job:
        """Queue the failed or cancelled job again; it goes on from its last checkpoint."""
        return await self._requeue("retry", "retried")

    @verb
    async def extend(self, /, **totals: int | float | None) -> Job:
        """Queue the ended job again with new totals: `epochs`, `max_steps`, `max_seconds` or `target_accuracy`."""
        return await self._requeue("extend", "extended", json=totals)

    @verb
    async def clone(self, changes: Mapping[str, Any] | None = None, *, key: str | None = None) -> Self:
        """Queue a new job of the same spec with `changes`, such as `{"optimizer.learning_rate": 0.3}`; return it."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        document = {"set": dict(changes or {})}
        answer = await self._transport.request("POST", self._path("/clone"), json=document, headers=headers)
        return type(self)(self._transport, parsed(answer, Job.model_validate))

    @verb
    async def edit(self, /, **changes: Any) -> Job:
        """Change `name`, `metadata` (all pairs) or, while the job waits, `priority`."""
        return self._take(await self._transport.request("PATCH", self._path(""), json=changes))

    @verb
    async def log(self) -> list[dict[str, Any]]:
        """Return the job's log, newest last: changes of status and what the service logged about it."""
        return listed(await self._get("/log"))

    @verb
    async def delete(self) -> None:
        """Delete an ended job with its checkpoints and history; deleting twice is no error."""
        try:
            await self._transport.request("DELETE", self._path(""))
        except ApiError as error:
            if error.code != "job_not_found":
                raise

    @verb
    async def predict(
        self, *images: Image | Sequence[Image], pixels: Iterable[Pixels] = (), step: str = "last"
    ) -> list[Prediction]:
        """Return a prediction for each image, or each row of pixels, by this job's model, also during training."""
        sent = body(images, pixels)
        return parse(await self._transport.request("POST", self._path("/predictions"), params={"step": step}, **sent))

    @verb
    async def download(self, path: str | Path, *, form: Format | None = None, step: str = "last") -> Path:
        """Write the model to a file and return its path; `step` is `last`, `best` or a stored step.

        The format is that of the file's ending: .safetensors, .npz or .onnx. Raises ValueError for another ending
        without `form`.
        """
        target = Path(path)
        form = form or format_of(target)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes((await self._get("/model", format=form, step=step)).content)
        return partial.replace(target)

    @verb
    async def history(self) -> list[HistoryPoint]:
        """Return step, loss, accuracies and times so far."""
        return cast(list[HistoryPoint], listed(await self._get("/history")))

    @verb
    async def checkpoints(self) -> list[CheckpointInfo]:
        """Return the stored checkpoints: step, loss, test accuracy, sha256."""
        return cast(list[CheckpointInfo], listed(await self._get("/checkpoints")))

    @verb
    async def evaluation(self) -> Evaluation:
        """Return the newest evaluation: the confusion matrix, and the accuracy of each class."""
        return cast(Evaluation, parsed(await self._get("/evaluation"), dict))

    async def _refresh(self) -> Job:
        return self._take(await self._get(""))

    def _events(self, after: str | None = None) -> AsyncGenerator[Event, None]:
        return follow(self._transport, self._path("/events"), after)

    async def _move(self, change: str, status: Status) -> Job:
        try:
            answer = await self._transport.request("POST", self._path(f"/{change}"))
        except ApiError as error:
            # The response to an earlier attempt of this request may have been lost.
            if error.code == ILLEGAL and (await self._refresh()).status is status:
                return self.record
            raise
        return self._take(answer)

    async def _requeue(self, change: str, reason: str, **options: Any) -> Job:
        try:
            return self._take(await self._transport.request("POST", self._path(f"/{change}"), **options))
        except ApiError as error:
            # The response to an earlier attempt of this request may have been lost.
            if error.code == ILLEGAL and self._was_queued(await self._refresh(), reason):
                return self.record
            raise

    @staticmethod
    def _was_queued(job: Job, reason: str) -> bool:
        return job.status not in ENDED and any(
            transition.reason and transition.reason.code == reason for transition in job.transitions[-2:]
        )

    def _take(self, answer: httpx2.Response) -> Job:
        self.record = parsed(answer, Job.model_validate)
        return self.record

    async def _get(self, part: str, **parameters: str) -> httpx2.Response:
        return await self._transport.request("GET", self._path(part), params=parameters)

    def _path(self, part: str) -> str:
        return f"/v1/jobs/{self.record.id}{part}"


class JobHandle(JobVerbs, Blocking):
    """A job of the service: `record` is its last known state."""

    def _repr_html_(self) -> str:
        losses: list[float] = []
        with suppress(DualtrainError):  # a picture without its curve is better than an error in a notebook
            losses = [point["loss"] for point in self.history() if point["loss"] is not None]
        return summary_html(self.record, losses)


class AsyncJobHandle(JobVerbs, Awaited):
    """A job of the service, with awaited calls: `record` is its last known state."""
