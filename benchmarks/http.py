"""Requests and event streams while a job trains: `python -m benchmarks.http`.

Starts a stack of its own (`dualtrain up`, two workers), and loads it from this process over plain sockets: how many
`GET /v1/jobs/{id}` a second are answered idle and while a job trains on both cores, how late answers come at 200
requests a second (open loop: latency counts from when a request was due), and whether 500 streams get every event.
Before that, jobs are planned by a dry run and then run.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from benchmarks.harness import stack
from benchmarks.measure import machine
from benchmarks.report import Report, arguments, table

CONNECTIONS = 16
CLOSED_SECONDS = 6.0
OPEN_RATE = 200
OPEN_SECONDS = 10.0
STREAMS = 500
STREAM_SECONDS = 8.0
START_SECONDS = 120.0
TARGETS = {"share of idle": 0.5, "p99 ms": 50.0}

HEAVY = {"dataset": {"name": "mnist", "image_size": 28}, "shards": 2, "epochs": 1000, "evaluate_every": 1_000_000,
         "network": {"layers": [{"units": 100, "activation": "relu", "initializer": "he"},
                                {"units": 10, "activation": "softmax"}]}}  # fmt: skip
"""784-100-10, one pass for every parameter: rounds that keep two workers busy."""
QUICK = {"epochs": 1000, "shards": 2}
"""The default network: rounds of a few milliseconds, so the aggregator and both Redis servers are busy as well."""


PLANNED = {
    "144-20-10, per parameter": {},
    "144-20-10, per neuron": {"gradient": {"method": "per-neuron"}},
    "784-100-10, per parameter, 10 steps": {**HEAVY, "max_steps": 10, "evaluate_every": 10},
    "144-20-10, 4 local steps": {"gradient": {"method": "per-neuron"}, "local_steps": 4},
    "144-20-10, SPSA": {"gradient": {"method": "spsa"}, "max_steps": 300},
}
"""Jobs whose time is estimated by a dry run, then taken."""


class Connection:
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def open(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-length: {len(data)}\r\n"
        self._writer.write((head + "content-type: application/json\r\n\r\n").encode() + data)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = answer.partition("content-length: ")[2].partition("\r\n")[0]
        return int(answer.split(" ", 2)[1]), await self._reader.readexactly(int(length or 0))

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        self._writer.write(f"GET {path} HTTP/1.1\r\nhost: {self._host}\r\n\r\n".encode())
        while line := await self._reader.readline():
            yield line.strip()

    def close(self) -> None:
        self._writer.close()


Connect = Callable[[], Awaitable[Connection]]


async def ask(connect: Connect, method: str, path: str, body: object = None) -> Any:
    """Return the JSON answer to one request on a connection of its own."""
    connection = await connect()
    status, answer = await connection.request(method, path, body)
    connection.close()
    assert status < 300, answer
    return json.loads(answer)


async def closed_loop(connect: Connect, path: str) -> float:
    """Return how many requests a second some connections get answered that each wait for their answer."""
    end, answered = time.perf_counter() + CLOSED_SECONDS, 0

    async def one() -> None:
        nonlocal answered
        connection = await connect()
        while time.perf_counter() < end:
            status, _ = await connection.request("GET", path)
            assert status == 200, status
            answered += 1
        connection.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return answered / CLOSED_SECONDS


async def open_loop(connect: Connect, path: str) -> list[float]:
    """Return the milliseconds from the moment each request was due to its answer, at a fixed rate."""
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(4 * CONNECTIONS):
        idle.put_nowait(await connect())
    start, late = time.perf_counter() + 0.1, []

    async def one(due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await idle.get()
        status, _ = await connection.request("GET", path)
        assert status == 200, status
        late.append((time.perf_counter() - due) * 1e3)
        idle.put_nowait(connection)

    await asyncio.gather(*(one(start + i / OPEN_RATE) for i in range(int(OPEN_RATE * OPEN_SECONDS))))
    while not idle.empty():
        idle.get_nowait().close()
    return late


async def streams(connect: Connect, job_id: str) -> tuple[int, int, int]:
    """Return how many streams were open, how many got every event of the job, and how many events that were."""
    ready = asyncio.Semaphore(0)

    async def listen() -> list[bytes]:
        connection, ids, paused = await connect(), [], False
        ready.release()
        async for line in connection.lines(f"/v1/jobs/{job_id}/events"):
            paused |= line.startswith(b"data:") and b'"status": "paused"' in line
            if line.startswith(b"id:"):
                ids.append(line)
                if paused:
                    break
        connection.close()
        return ids

    listeners = [asyncio.create_task(listen()) for _ in range(STREAMS)]
    for _ in listeners:
        await ready.acquire()
    await asyncio.sleep(STREAM_SECONDS)
    await ask(connect, "POST", f"/v1/jobs/{job_id}/pause")
    found = await asyncio.wait_for(asyncio.gather(*listeners), 60)
    kept = await listen()  # what one listener gets that comes afterwards
    return len(found), sum(ids == kept for ids in found), len(kept)


async def load(host: str, port: int) -> list[tuple[str, str, bool | None]]:
    """Return the rows of the table: what, figure, whether the target was met."""

    def connect() -> Awaitable[Connection]:
        return Connection(host, port).open()

    ended = (await ask(connect, "POST", "/v1/jobs", {"max_steps": 1}))["id"]
    await _until(connect, ended, "succeeded")
    address, rows = f"/v1/jobs/{ended}", []
    idle = await closed_loop(connect, address)
    rows += [("idle, requests/s", f"{idle:.0f}", None), _latency("idle", await open_loop(connect, address))]
    for name, spec in (("training 784-100-10", HEAVY), ("training 144-20-10", QUICK)):
        job = (await ask(connect, "POST", "/v1/jobs", spec))["id"]
        await _until(connect, job, "running", steps=3)
        path = f"/v1/jobs/{job}"
        busy = await closed_loop(connect, path)
        rows.append((f"{name}, requests/s", f"{busy:.0f} ({busy / idle:.0%} of idle)", busy / idle >= 0.5))
        rows.append(_latency(name, await open_loop(connect, path)))
        if spec is QUICK:
            opened, whole, events = await streams(connect, job)
            rows.append((f"{name}, streams that got all of {events} events", f"{whole} of {opened}", whole == STREAMS))
        await ask(connect, "POST", f"{path}/cancel")
    return rows


async def plan(host: str, port: int) -> list[tuple[str, str, bool | None]]:
    """Return the rows that compare what dry runs tell with what the jobs then take."""

    def connect() -> Awaitable[Connection]:
        return Connection(host, port).open()

    rows: list[tuple[str, str, bool | None]] = []
    for name, spec in PLANNED.items():
        told = (await ask(connect, "POST", "/v1/jobs?dry_run=true", spec))["estimated_seconds"]
        job_id = (await ask(connect, "POST", "/v1/jobs", spec))["id"]
        await _until(connect, job_id, "succeeded")
        points = (await ask(connect, "GET", f"/v1/jobs/{job_id}/history"))["data"]
        took = points[-1]["seconds"]
        rows.append((f"dry run of {name}", f"{told:.2f} s told, {took:.2f} s taken", 0.5 <= told / took <= 2))
    return rows


def _latency(name: str, late: list[float]) -> tuple[str, str, bool]:
    p99 = quantiles(late, n=100)[98]
    figure = f"p50 {median(late):.1f} ms, p99 {p99:.1f} ms, worst {max(late):.1f} ms"
    return f"{name}, {OPEN_RATE} requests/s open loop", figure, p99 < TARGETS["p99 ms"]


async def _until(connect: Connect, job_id: str, status: str, steps: int = 0) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        job = await ask(connect, "GET", f"/v1/jobs/{job_id}")
        if job["status"] == status and job["progress"]["step"] >= steps:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"job {job_id} is not {status}: {job}")


def main() -> int:
    """Print the table; the exit code says whether all targets were met."""
    options = arguments("http", __doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as address:
        url = urlsplit(address)
        assert url.hostname and url.port
        rows = asyncio.run(plan(url.hostname, url.port))
        rows += asyncio.run(load(url.hostname, url.port))
    marks = {None: "", True: "met", False: "MISSED"}
    told = table(("what", "figure", "target"), [(what, figure, marks[met]) for what, figure, met in rows])
    sys.stdout.write(f"{machine()}\n")
    Report("scaling.md", options.write).show("http", told)
    return 1 if any(met is False for _, _, met in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
