"""One job on the server."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from client.errors import ApiError
from client.events import Event, follow
from client.predictions import Image, Pixels, Prediction, body, parse
from client.progress import bar
from client.transport import Transport
from core.job import ENDED, Job, Status

Format = Literal["safetensors", "npz", "onnx"]
ILLEGAL = "illegal_transition"


class JobHandle:
    """A job: `record` is what the server last said of it."""

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

    def refresh(self) -> Job:
        """Ask the server anew."""
        self.record = Job.model_validate(self._get("").json())
        return self.record

    def events(self, after: str | None = None) -> Iterator[Event]:
        """Yield events until `done`, from the beginning or after an event's id; lost connections are made again."""
        return follow(self._transport, self._path("/events"), after)

    def wait(self, *, progress: bool = False, on_event: Callable[[Event], None] | None = None) -> Job:
        """Return the job when it has ended, however it did; `progress` shows a bar in the terminal."""
        with bar(self.record, shown=progress) as show:
            for event in self.events():
                show(event)
                if on_event is not None:
                    on_event(event)
        return self.refresh()

    def pause(self) -> Job:
        """Pause; a paused job stays paused."""
        return self._move("pause", Status.PAUSED)

    def resume(self) -> Job:
        """Let a paused job go on; a running one runs on."""
        return self._move("resume", Status.RUNNING)

    def cancel(self) -> Job:
        """End the job; a cancelled one stays cancelled."""
        return self._move("cancel", Status.CANCELLED)

    def delete(self) -> None:
        """Delete an ended job with all that is kept of it."""
        self._transport.request("DELETE", self._path(""))

    def predict(self, *images: Image, pixels: Iterable[Pixels] = (), step: str = "last") -> list[Prediction]:
        """Return a prediction for each image (or each row of pixels) by this job's model, also while it is trained."""
        sent = body(images, pixels)
        return parse(self._transport.request("POST", self._path("/predictions"), params={"step": step}, **sent))

    def download(self, path: str | Path, *, form: Format = "safetensors", step: str = "last") -> Path:
        """Write the model to a file and return its path; `step` is `last`, `best` or one whose checkpoint is kept."""
        target = Path(path)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(self._get("/model", format=form, step=step).content)
        return partial.replace(target)

    def history(self) -> list[dict[str, Any]]:
        """Return step, loss, accuracies and times so far."""
        return _data(self._get("/history").json())

    def checkpoints(self) -> list[dict[str, Any]]:
        """Return what is kept: step, loss, test accuracy, sha256."""
        return _data(self._get("/checkpoints").json())

    def evaluation(self) -> dict[str, Any]:
        """Return the newest evaluation: the confusion matrix, and the accuracy of each class."""
        found: dict[str, Any] = self._get("/evaluation").json()
        return found

    def _move(self, verb: str, status: Status) -> Job:
        try:
            answer = self._transport.request("POST", self._path(f"/{verb}"))
        except ApiError as error:
            # The answer to our own first request may have been lost on the way.
            if error.code == ILLEGAL and self.refresh().status is status:
                return self.record
            raise
        self.record = Job.model_validate(answer.json())
        return self.record

    def _get(self, part: str, **parameters: str) -> Any:
        return self._transport.request("GET", self._path(part), params=parameters)

    def _path(self, part: str) -> str:
        return f"/v1/jobs/{self.record.id}{part}"


def _data(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["data"]
    return found
