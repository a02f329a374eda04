"""Attacks by name, as the driver runs them. Add each new one to `BY_KEY` or `WITHOUT_KEY`."""

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from tests.hostile.files import empty_objects, parquet_bomb, picture_zip, progressive_jpeg
from tests.hostile.stack import Stack

MIB = 1 << 20
TRAINED = Path(__file__).parents[1] / "api" / "predictions" / "trained.safetensors"
OCTETS = {"content-type": "application/octet-stream"}
SECONDS = 10.0
"""How long an attack waits for its answers before it leaves."""
Attack = Callable[[Stack, str | None], None]
WIDE: dict[str, Any] = {
    "dataset": {"image_size": 64},
    "network": {
        "layers": [{"units": 1950, "activation": "relu"}, {"units": 1024, "activation": "relu"}, {"units": 10}]
    },
    "batch_size": 65536,
    "max_steps": 1,
}
"""Some 1.9 thousand million blocks."""
REPLICAS: dict[str, Any] = {
    "dataset": {"image_size": 64},
    "network": {"layers": [{"units": 485, "activation": "relu"}, {"units": 10, "activation": "softmax"}]},
    "gradient": {"method": "spsa", "directions": 1},
    "optimizer": {"name": "adam"},
    "dtype": "float64",
    "local_steps": 2,
    "replicas": 256,
    "shards": 256,
    "batch_size": 1,
    "max_steps": 4,
}
"""12 GB in a round."""
LONG: dict[str, Any] = {
    "dataset": {"image_size": 28},
    "network": {"layers": [{"units": 500, "activation": "relu"}, {"units": 10, "activation": "softmax"}]},
    "local_steps": 100_000,
    "replicas": 4,
    "epochs": 100_000,
    "batch_size": 4096,
}
"""A unit of work of many days."""


def uploads(stack: Stack, name: str | None) -> None:
    """Upload many zips of large pictures at once, and leave."""
    content = picture_zip(2000)
    _at_once(64, lambda i: _put(stack, name, f"slow-{uuid4().hex[:8]}", content))


def parquet(stack: Stack, name: str | None) -> None:
    """Upload Parquet files that are gigabytes when they are decoded."""
    content = parquet_bomb(40 * MIB)
    _at_once(8, lambda i: _put(stack, name, f"bomb-{uuid4().hex[:8]}", content))


def pictures(stack: Stack, name: str | None) -> None:
    """Predict pictures of thousands of passes."""
    body = {"images": [base64.b64encode(progressive_jpeg(15_000)).decode()]}
    with _model(stack, name) as model:
        _at_once(16, lambda i: _post(stack, name, f"/v1/jobs/{model}/predictions", json=body))


def inference(stack: Stack, name: str | None) -> None:
    """Send inference requests of millions of objects."""
    body = empty_objects(43 * MIB)
    with _model(stack, name) as model:
        _at_once(8, lambda i: _post(stack, name, f"/v2/models/{model}/infer", content=body))


def dry_runs(stack: Stack, name: str | None) -> None:
    """Ask for estimates of rounds that are large, each of another kind."""
    specs = [
        WIDE,
        *({"batch_size": 4096, "network": {"layers": [{"units": 900 + i}, {"units": 10}]}} for i in range(30)),
    ]
    _at_once(30, lambda i: _post(stack, name, "/v1/jobs?dry_run=true", json=specs[i]))


def unknown_fields(stack: Stack, name: str | None) -> None:
    """Post specs of many unknown fields."""
    body = json.dumps({f"a{i:x}": 0 for i in range(32_000)})
    _at_once(8, lambda i: _post(stack, name, "/v1/jobs", content=body, headers={"content-type": "application/json"}))


def large_jobs(stack: Stack, name: str | None) -> None:
    """Post jobs that are too large for aggregator and exchange; cancel those that are accepted after a while."""
    _jobs(stack, name, [WIDE, REPLICAS])


def long_jobs(stack: Stack, name: str | None) -> None:
    """Post jobs whose units last for days, and cancel them."""
    _jobs(stack, name, [LONG])


def streams(stack: Stack, name: str | None) -> None:
    """Open hundreds of event streams that are never read."""
    with ExitStack() as connections:
        key = f"Authorization: Bearer {stack.tokens[name or '']}"
        lines = "\r\n".join(("GET /v1/events HTTP/1.1", f"Host: {_host(stack)}", key, "Last-Event-ID: 0-1", "", ""))
        for _ in range(300):
            _send(stack, connections, lines.encode())
        time.sleep(SECONDS)


def cookies(stack: Stack, name: str | None) -> None:
    """Send cookies that some parsers read in quadratic time."""
    cookie = 'a="' + "\\" * 64_000 + '"'
    with ExitStack() as connections:
        _send(stack, connections, f"GET / HTTP/1.1\r\nHost: {_host(stack)}\r\nCookie: {cookie}\r\n\r\n".encode())
        time.sleep(1)


def headers(stack: Stack, name: str | None) -> None:
    """Send a header that does not end."""
    with ExitStack() as connections:
        connection = _send(stack, connections, f"GET / HTTP/1.1\r\nHost: {_host(stack)}\r\nX: ".encode())
        with suppress(OSError):
            for _ in range(300):
                connection.sendall(b"a" * MIB)


def logins(stack: Stack, name: str | None) -> None:
    """Log in with many unknown fields."""
    body = "{" + ",".join(f'"{i:x}":0' for i in range(100_000)) + "}"
    _at_once(5, lambda i: _post(stack, None, "/v1/session", content=body))


def unfinished(stack: Stack, name: str | None) -> None:
    """Hold hundreds of requests that are not finished."""
    with ExitStack() as connections:
        for _ in range(400):
            _send(stack, connections, f"POST /v1/session HTTP/1.1\r\nHost: {_host(stack)}\r\nContent-Le".encode())
        time.sleep(SECONDS)


BY_KEY: tuple[Attack, ...] = (
    uploads, parquet, pictures, inference, dry_runs, unknown_fields, large_jobs, long_jobs, streams
)  # fmt: skip
"""Attacks by those who have a key with `read` and `submit`."""
WITHOUT_KEY: tuple[Attack, ...] = (cookies, headers, logins, unfinished)
"""Attacks by those who have none."""


def _at_once(count: int, request: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(request, range(count)))


def _post(stack: Stack, name: str | None, path: str, **body: Any) -> None:
    with suppress(httpx2.HTTPError), stack.client(name, SECONDS) as client:
        client.post(path, **body)


def _put(stack: Stack, name: str | None, dataset: str, content: bytes) -> None:
    with suppress(httpx2.HTTPError), stack.client(name, SECONDS) as client:
        client.put(f"/v1/datasets/{dataset}", content=content, headers=OCTETS)


@contextmanager
def _model(stack: Stack, name: str | None) -> Iterator[str]:
    """Upload a model for the time of an attack."""
    with stack.client(name) as client:
        response = client.post("/v1/models", content=TRAINED.read_bytes(), headers=OCTETS)
        job_id = str(response.json().get("id"))
        try:
            yield job_id
        finally:
            client.delete(f"/v1/jobs/{job_id}")


def _jobs(stack: Stack, name: str | None, specs: list[dict[str, Any]]) -> None:
    with stack.client(name) as client:
        accepted = [
            response.json()["id"] for spec in specs if (response := client.post("/v1/jobs", json=spec)).is_success
        ]
        time.sleep(SECONDS)
        for job_id in accepted:
            client.post(f"/v1/jobs/{job_id}/cancel")


def _host(stack: Stack) -> str:
    return stack.url.removeprefix("http://")


def _send(stack: Stack, connections: ExitStack, content: bytes) -> socket.socket:
    host, _, port = _host(stack).partition(":")
    connection = connections.enter_context(socket.create_connection((host, int(port)), timeout=SECONDS))
    with suppress(OSError):
        connection.sendall(content)
    return connection
