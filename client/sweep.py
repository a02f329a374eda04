"""One sweep on the server."""

from collections.abc import AsyncGenerator, Callable
from html import escape
from typing import Any, Self, TypeVar, cast

from dualtrain.client.errors import ApiError
from dualtrain.client.html import table_html
from dualtrain.client.job import ILLEGAL
from dualtrain.client.progress import duration
from dualtrain.client.records import CellSummary, SweepCurve, SweepRecord
from dualtrain.client.retry import Transport, listed, parsed
from dualtrain.client.sync_async import Awaited, Blocking, stream, verb
from dualtrain.core.job import Job

ENDED = frozenset({"succeeded", "failed", "cancelled"})
POLL_SECONDS = 0.5
"""Time between two requests of a waiting client at first; it grows to `LONGEST_POLL_SECONDS`."""
LONGEST_POLL_SECONDS = 3.0
JOBS_PAGE = 100

T = TypeVar("T")


class CellTable(list[CellSummary]):
    """The cells of a sweep with their figures over the seeds."""

    def _repr_html_(self) -> str:
        return table_html(("cell", "n", "test accuracy", "best", "loss", "time", "passes"), map(cell_row, self))


def cell_row(cell: CellSummary) -> tuple[str, ...]:
    """Return a cell for reading: mean and deviation of each figure."""
    seconds = cell["seconds"]["mean"]
    passes = cell["passes"]["mean"]
    return (
        cell["name"],
        str(cell["n"]),
        _spread(cell["test_accuracy"], 100, "%"),
        _spread(cell["best_test_accuracy"], 100, "%"),
        _spread(cell["loss"], 1, ""),
        "" if seconds is None else duration(seconds),
        "" if passes is None else f"{passes:,.0f}",
    )


def _spread(figure: Any, factor: float, unit: str) -> str:
    if figure["mean"] is None:
        return ""
    digits = 2 if unit else 4
    deviation = "" if figure["std"] is None else f" ± {factor * figure['std']:.{digits}f}"
    return f"{factor * figure['mean']:.{digits}f}{deviation}{unit and f' {unit}'}"


class SweepVerbs:
    """Calls about one sweep; `record` is its last known state."""

    def __init__(self, transport: Transport, record: SweepRecord) -> None:
        self._transport = transport
        self.record = record

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.record["counts"].items() if count)
        return f"<{type(self).__name__} {self.id}: {self.record['status']}; jobs: {counts}>"

    def _repr_html_(self) -> str:
        title = f"<p>{escape(self.record['name'] or self.id)}: {escape(self.record['status'])}</p>"
        return title + CellTable(self.record.get("cells", []))._repr_html_()

    @property
    def id(self) -> str:
        """The sweep's id."""
        return self.record["id"]

    @property
    def ended(self) -> bool:
        """True if the sweep has ended, by its last known state."""
        return self.record["status"] in ENDED

    @verb
    async def refresh(self) -> SweepRecord:
        """Load and return the sweep's current state."""
        return await self._refresh()

    @verb
    async def wait(self, *, on_change: Callable[[SweepRecord], None] | None = None) -> Self:
        """Wait for the sweep's end, whatever its status, and return the sweep; `on_change` sees each new state."""
        seconds = POLL_SECONDS
        while not self.ended:
            before = self.record["counts"]
            await self._transport.wire.sleep(seconds)
            await self._refresh()
            if on_change is not None and self.record["counts"] != before:
                on_change(self.record)
            seconds = min(1.2 * seconds, LONGEST_POLL_SECONDS)
        return self

    @verb
    async def table(self) -> CellTable:
        """Return the cells with mean, deviation and values of each figure over the seeds that succeeded."""
        return CellTable(cast(list[CellSummary], listed(await self._get("/table"))))

    @verb
    async def history(self) -> list[SweepCurve]:
        """Return for each cell the mean and deviation at each recorded step."""
        return cast(list[SweepCurve], listed(await self._get("/history")))

    @stream
    async def jobs(self) -> AsyncGenerator[Job, None]:
        """Yield the sweep's jobs, newest first."""
        after: str | None = ""
        while after is not None:
            parameters = {"sweep": self.id, "limit": JOBS_PAGE} | ({"after": after} if after else {})
            page = parsed(await self._transport.request("GET", "/v1/jobs", params=parameters), dict)
            for record in page["data"]:
                yield Job.model_validate(record)
            after = page["next"]

    @verb
    async def pause(self) -> SweepRecord:
        """Pause the sweep with the jobs that run."""
        return await self._move("pause", "paused")

    @verb
    async def resume(self) -> SweepRecord:
        """Resume a paused sweep."""
        return await self._move("resume", "running")

    @verb
    async def cancel(self) -> SweepRecord:
        """Cancel the sweep with all its jobs that have not ended."""
        return await self._move("cancel", "cancelled")

    @verb
    async def delete(self) -> None:
        """Delete a sweep that has ended, with all its jobs; deleting twice is no error."""
        try:
            await self._transport.request("DELETE", self._path(""))
        except ApiError as error:
            if error.code != "sweep_not_found":
                raise

    async def _move(self, change: str, status: str) -> SweepRecord:
        try:
            answer = await self._transport.request("POST", self._path(f"/{change}"))
        except ApiError as error:
            # The response to an earlier attempt of this request may have been lost.
            if error.code == ILLEGAL and (await self._refresh())["status"] == status:
                return self.record
            raise
        self.record = cast(SweepRecord, parsed(answer, dict))
        return self.record

    async def _refresh(self) -> SweepRecord:
        self.record = cast(SweepRecord, parsed(await self._get(""), dict))
        return self.record

    async def _get(self, part: str) -> Any:
        return await self._transport.request("GET", self._path(part))

    def _path(self, part: str) -> str:
        return f"/v1/sweeps/{self.id}{part}"


class SweepHandle(SweepVerbs, Blocking):
    """A sweep of the service: `record` is its last known state."""


class AsyncSweepHandle(SweepVerbs, Awaited):
    """A sweep of the service, with awaited calls: `record` is its last known state."""
