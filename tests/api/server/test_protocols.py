"""Connections whose headers have no end, or whose requests come too slowly, against both parsers."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import uvicorn

from dualtrain.api.app import create_app
from dualtrain.api.server import PROTOCOLS, protocols, server_config
from dualtrain.core.settings import Settings
from tests.waiting import until

Address = tuple[str, int]
START = b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"

LONG_BODY = START + b"Content-Length: 900\r\n\r\n{"


@pytest.fixture(scope="module", params=PROTOCOLS)
def address(
    request: pytest.FixtureRequest, store_url: str, exchange_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Address]:
    """The address of a service with short deadlines."""
    settings = Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=tmp_path_factory.mktemp("data"))
    app = create_app(settings, aggregator=False)
    config = server_config(app, settings, request.param, port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "HEAD_SECONDS", 2.0)
        patch.setattr(protocols, "BODY_SECONDS", 2.0)
        thread.start()
        until(lambda: server.started, what="the server")
        yield server.servers[0].sockets[0].getsockname()
        server.should_exit = True
        thread.join()


def response(connection: socket.socket, seconds: float = 15.0) -> bytes:
    """Return all that the server sends until it closes the connection."""
    connection.settimeout(seconds)
    try:
        return b"".join(iter(lambda: connection.recv(65536), b""))
    except ConnectionResetError:
        return b""


def next_response(connection: socket.socket) -> bytes:
    """Return the next response, which ends with a JSON object."""
    received = b""
    connection.settimeout(5)
    while not received.endswith(b"}"):
        received += connection.recv(65536)
    return received


def send_until_refused(connection: socket.socket, data: bytes, times: int) -> int:
    """Send `data` again and again; return how many times the server took it."""
    for count in range(times):
        try:
            connection.sendall(data)
        except OSError:
            return count
    return times


@pytest.mark.parametrize("piece", [b"a" * 65536, b"x: y\r\n" * 10_000], ids=["one header", "many headers"])
def test_headers_without_end_are_refused(address: Address, piece: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        assert send_until_refused(connection, piece, 2000) < 400


def test_a_large_head_is_refused_though_it_has_an_end(address: Address) -> None:
    with socket.create_connection(address) as connection:
        head = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * (protocols.HEADER_BYTES + 300_000)
        connection.sendall(head + b"\r\n\r\n")
        assert response(connection).split(b" ")[1:2] in ([b"431"], [b"400"], [])


def test_head_bytes_count_anew_for_each_request(address: Address) -> None:
    request = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 30_000 + b"\r\n\r\n"
    with socket.create_connection(address) as connection:
        for _ in range(4):
            connection.sendall(request)
            assert next_response(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", b"GET /livez HT", START, LONG_BODY, START + b"Transfer-Encoding: chunked\r\n\r\n"],
    ids=["nothing", "empty line", "line", "headers", "body", "chunked body"],
)
def test_a_request_that_stands_still_is_ended(address: Address, sent: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(sent)
        started = time.monotonic()
        answer = response(connection)
        assert time.monotonic() - started < 12
        assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400"))  # h11 takes no empty line


@pytest.mark.parametrize(("start", "drop"), [(b"GET / HTTP/1.1\r\nX: ", b"a"), (b"", b"\r\n"), (LONG_BODY, b" ")])
def test_a_request_that_trickles_is_ended(address: Address, start: bytes, drop: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(start)
        end = time.monotonic() + 15
        while time.monotonic() < end and send_until_refused(connection, drop, 1):
            time.sleep(0.2)
        assert time.monotonic() < end


def test_a_steady_body_is_taken_however_long_it_takes(address: Address) -> None:
    body = b'{"key": "' + b"x" * 190 + b'"}'
    with socket.create_connection(address) as connection:
        connection.sendall(START + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
        for piece in (body[:60], body[60:120], body[120:]):
            connection.sendall(piece)
            time.sleep(0.4)
        assert response(connection).startswith(b"HTTP/1.1 200")


def test_a_connection_that_waits_between_requests_is_left_to_the_keep_alive_timeout(address: Address) -> None:
    with socket.create_connection(address) as connection:
        for _ in range(2):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert next_response(connection).startswith(b"HTTP/1.1 200")
            time.sleep(2.5)


def test_an_early_refusal_does_not_lift_the_limit_of_the_next_head(address: Address) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
        assert next_response(connection).startswith(b"HTTP/1.1 404")
        connection.sendall(b"12345GET /livez HTTP/1.1\r\nX: ")
        assert send_until_refused(connection, b"a" * 65536, 2000) < 400


def test_a_websocket_is_not_opened(address: Address) -> None:
    request = (b"GET /v1/events HTTP/1.1\r\nHost: evil.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")  # fmt: skip
    with socket.create_connection(address) as connection:
        connection.sendall(request)
        assert next_response(connection).startswith(b"HTTP/1.1 421")


def test_the_limit_of_open_files_is_raised(address: Address) -> None:
    limits = Path("/proc/self/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard
