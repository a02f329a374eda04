"""One job on the server."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal

import httpx

from dualtrain.client.errors import ApiError
from dualtrain.client.events import Event, follow
from dualtrain.client.predictions import Image, Pixels, Prediction, body, parse
from dualtrain.client.progress import bar
from dualtrain.client.retry import Transport, listed, parsed
from dualtrain.client.sync_async import Awaited, Blocking, stream, verb
from dualtrain.core.job import ENDED, Job, Status

Format = Literal["safetensors", "npz", "onnx"]
ILLEGAL = "illegal_transition"


class JobVerbs:
    """What can be done with a job."""

    def __init__(self, transport: Transport, record: Job) -> None:
        self._transport = transport
        self.record = record

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def ended(self) -> bool:
        """Whether nothing will happen to the job any more, as far as is known here."""
        return self.record.status in ENDED

    @verb
    async def refresh(self) -> Job:
        """Ask the server anew."""
        return await self._refresh()

    @stream
    def events(self, after: str | None = None) -> AsyncGenerator[Event, None]:
        """Yield events until `done`, from the beginning or after an event's id; lost connections are made again."""
        return self._events(after)

    @verb
    async def wait(self, *, progress: bool = False, on_event: Callable[[Event], None] | None = None) -> Job:
        """Return the job when it has ended, however it did; `progress` shows a bar in the terminal."""
        with bar(self.record, shown=progress) as show:
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
        """Let a paused job go on; a running one runs on."""
        return await self._move("resume", Status.RUNNING)

    @verb
    async def cancel(self) -> Job:
        """End the job; a cancelled one stays cancelled."""
        return await self._move("cancel", Status.CANCELLED)

    @verb
    async def delete(self) -> None:
        """Delete an ended job with all that is kept of it; a deleted one stays deleted."""
        try:
            await self._transport.request("DELETE", self._path(""))
        except ApiError as error:
            if error.code != "job_not_found":
                raise

    @verb
    async def predict(self, *images: Image, pixels: Iterable[Pixels] = (), step: str = "last") -> list[Prediction]:
        """Return a prediction for each image (or each row of pixels) by this job's model, also while it is trained."""
        sent = body(images, pixels)
        return parse(await self._transport.request("POST", self._path("/predictions"), params={"step": step}, **sent))

    @verb
    async def download(self, path: str | Path, *, form: Format = "safetensors", step: str = "last") -> Path:
        """Write the model to a file and return its path; `step` is `last`, `best` or one whose checkpoint is kept."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes((await self._get("/model", format=form, step=step)).content)
        return partial.replace(target)

    @verb
    async def history(self) -> list[dict[str, Any]]:
        """Return step, loss, accuracies and times so far."""
        return listed(await self._get("/history"))

    @verb
    async def checkpoints(self) -> list[dict[str, Any]]:
        """Return what is kept: step, loss, test accuracy, sha256."""
        return listed(await self._get("/checkpoints"))

    @verb
    async def evaluation(self) -> dict[str, Any]:
        """Return the newest evaluation: the confusion matrix, and the accuracy of each class."""
        return parsed(await self._get("/evaluation"), dict)

    async def _refresh(self) -> Job:
        return self._take(await self._get(""))

    def _events(self, after: str | None = None) -> AsyncGenerator[Event, None]:
        return follow(self._transport, self._path("/events"), after)

    async def _move(self, change: str, status: Status) -> Job:
        try:
            answer = await self._transport.request("POST", self._path(f"/{change}"))
        except ApiError as error:
            # The answer to our own first request may have been lost on the way.
            if error.code == ILLEGAL and (await self._refresh()).status is status:
                return self.record
            raise
        return self._take(answer)

    def _take(self, answer: httpx.Response) -> Job:
        self.record = parsed(answer, Job.model_validate)
        return self.record

    async def _get(self, part: str, **parameters: str) -> httpx.Response:
        return await self._transport.request("GET", self._path(part), params=parameters)

    def _path(self, part: str) -> str:
        return f"/v1/jobs/{self.record.id}{part}"


class JobHandle(JobVerbs, Blocking):
    """A job: `record` is what the server last said of it."""


class AsyncJobHandle(JobVerbs, Awaited):
    """A job whose verbs are awaited: `record` is what the server last said of it."""
