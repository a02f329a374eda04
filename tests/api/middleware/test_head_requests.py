"""HEAD on every address that takes GET: what GET answers, without a body, and at once."""

import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from dualtrain.api.app import create_app
from dualtrain.core.settings import Settings

Document = dict[str, Any]
UNDOCUMENTED = ("/", "/static/main.js", "/docs", "/docs/start.js", "/docs/files/swagger-ui.css", "/openapi.json")
OF_EACH_ANSWER = {"date", "x-request-id", "connection", "transfer-encoding"}
"""Headers that two answers to GET would not share either, or that are about the body's way."""
SECONDS = 10.0


@pytest.fixture
def document(settings: Settings) -> Document:
    return create_app(settings, aggregator=False).openapi()


def head(client: httpx2.Client, address: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer to HEAD as they come from the socket; its end must come soon."""
    url = urlsplit(str(client.base_url))
    with socket.create_connection((url.hostname, url.port), timeout=SECONDS) as connection:
        connection.sendall(f"HEAD {address} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    told, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = told.decode().split("\r\n")
    return int(status.split()[1]), _shared(line.split(": ", 1) for line in lines), body


def _shared(pairs: Any) -> dict[str, str]:
    """Return the headers that two answers share."""
    return {name.lower(): value for name, value in pairs if name.lower() not in OF_EACH_ANSWER}


def test_head_is_get_without_a_body(client: httpx2.Client, document: Document, submit: Callable[..., str]) -> None:
    job_id = submit()
    templates = [path for path, operations in document["paths"].items() if "get" in operations]
    assert len(templates) > 20
    for template in (*templates, *UNDOCUMENTED, "/nowhere"):
        address = re.sub(r"{\w+}", "mnist", template.replace("{job_id}", job_id))
        with client.stream("GET", address) as wanted:
            expected = _shared(wanted.headers.items())
        status, found, body = head(client, address)
        if address == "/metrics":  # the answer before is counted in it
            del expected["content-length"], found["content-length"]
        assert (status, found, body) == (wanted.status_code, expected, b""), address


def test_a_connection_goes_on_after_head(client: httpx2.Client, submit: Callable[..., str]) -> None:
    for address in (f"/v1/jobs/{submit()}/events", "/v1/events", "/v1/jobs", "/"):
        assert client.head(address).status_code == 200
        assert client.get("/livez").json()["status"] == "ok"


def test_head_is_no_operation_of_its_own(document: Document) -> None:
    assert not any("head" in operations for operations in document["paths"].values())


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("HEAD", "/v1/predictions", "POST"),
        ("DELETE", "/v1/jobs", "GET, HEAD, POST"),
        ("POST", "/livez", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/static/main.js", "GET, HEAD"),
    ],
)
def test_who_asks_in_vain_is_told_what_is_allowed(
    client: httpx2.Client, method: str, address: str, allowed: str
) -> None:
    answer = client.request(method, address)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_head_is_counted_as_such_by_its_route(client: httpx2.Client, submit: Callable[..., str]) -> None:
    client.head(f"/v1/jobs/{submit()}")
    counted = 'dualtrain_request_seconds_count{method="HEAD",route="/v1/jobs/{job_id}",status="200"} 1.0'
    assert counted in client.get("/metrics").text
