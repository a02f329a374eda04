"""Bodies that are cheap to send and dear to read: others notice nothing, and no process takes more than its limit."""

import base64
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.hostile.files import empty_objects, parquet_bomb, picture_zip, progressive_jpeg
from tests.hostile.observer import Observer
from tests.hostile.stack import Stack
from tests.waiting import until

MIB = 1 << 20
API_BYTES = 500 * MIB
CHILD_BYTES = 1400 * MIB
"""1 GiB of address space, and what a child takes without a request."""
TRAINED = Path(__file__).parents[1] / "api" / "predictions" / "trained.safetensors"
OCTETS = {"content-type": "application/octet-stream"}
Observe = Callable[[], Observer]


@pytest.fixture(scope="module")
def models(stack: Stack) -> dict[str, str]:
    """The ids of a model of mallory and of one of bob."""
    ids: dict[str, str] = {}
    for name in ("mallory", "bob"):
        with stack.client(name) as client:
            response = client.post("/v1/models", content=TRAINED.read_bytes(), headers=OCTETS)
            assert response.status_code == 201, response.text
            ids[name] = response.json()["id"]
    return ids


@pytest.fixture(autouse=True)
def quiet(stack: Stack) -> Iterator[None]:
    """Wait after each attack until its children have no work."""
    yield
    until(lambda: not computing(stack), 60, "idle children")


def computing(stack: Stack) -> bool:
    """Return whether a child computes."""
    for child in stack.processes("child"):
        with suppress(psutil.NoSuchProcess):
            if child.cpu_percent(0.2) > 20:
                return True
    return False


def predict(
    stack: Stack, name: str, models: dict[str, str], *pictures: bytes, timeout: float = 60.0
) -> httpx2.Response:
    body = {"images": [base64.b64encode(picture).decode() for picture in pictures]}
    with stack.client(name, timeout) as client:
        return client.post(f"/v1/jobs/{models[name]}/predictions", json=body)


def test_uploads_that_take_hours_and_whose_clients_have_left(stack: Stack, observe: Observe) -> None:
    """H10: 64 zips of 4-megapixel pictures, each connection closed after the body."""
    content = picture_zip(400)

    def upload(number: int) -> None:
        with stack.client("mallory", timeout=2) as client, suppress(httpx2.TimeoutException):
            client.put(f"/v1/datasets/slow-{number}", content=content, headers=OCTETS)

    with observe() as observer, ThreadPoolExecutor(64) as pool:
        list(pool.map(upload, range(64)))
        with stack.client("bob", timeout=10) as bob:
            assert bob.get("/v1/aliases").is_success
            assert bob.get("/readyz").is_success
            assert bob.get("/v1/datasets/mnist/samples").is_success
    observer.check(api=API_BYTES, child=CHILD_BYTES)
    with stack.client("bob") as bob:
        until(lambda: not [d for d in bob.get("/v1/datasets").json()["data"] if d["name"].startswith("slow")], 30)


def test_bodies_that_do_not_end_take_only_their_callers_places(stack: Stack, observe: Observe) -> None:
    """L11: large bodies of which a part comes, and no more."""
    with observe() as observer, ExitStack() as connections:
        statuses = [_begin_upload(stack, number, connections) for number in range(8)]
        with stack.client("bob") as bob:
            assert bob.put("/v1/datasets/bobs", content=picture_zip(14, side=28), headers=OCTETS).status_code == 201
    assert statuses.count(None) == 2
    assert statuses.count(429) == 6
    observer.check(api=API_BYTES)


def _begin_upload(stack: Stack, number: int, connections: ExitStack) -> int | None:
    """Send a part of a body of 256 MiB; return the status of the response, None when there is none in a second."""
    url = httpx2.URL(stack.url)
    connection = connections.enter_context(socket.create_connection((url.host, url.port)))
    connection.settimeout(1.0)
    head = (f"PUT /v1/datasets/body-{number} HTTP/1.1", f"Host: {url.host}", f"Content-Length: {256 * MIB}",
            f"Authorization: Bearer {stack.tokens['mallory']}", "Content-Type: application/zip")  # fmt: skip
    connection.sendall("\r\n".join((*head, "", "")).encode() + bytes(4096))
    try:
        return int(connection.recv(100).split()[1])
    except TimeoutError:
        return None


def test_a_progressive_jpeg_of_many_scans(stack: Stack, observe: Observe, models: dict[str, str]) -> None:
    """H11: 31 bytes for each pass over 16 megapixels; a victim's photograph does not wait for it."""
    picture, photograph = progressive_jpeg(1000), progressive_jpeg(1)
    with observe() as observer, ThreadPoolExecutor(4) as pool:
        attacks = [pool.submit(predict, stack, "mallory", models, picture, timeout=200) for _ in range(4)]
        time.sleep(1)
        started = time.monotonic()
        response = predict(stack, "bob", models, photograph)
        assert response.json()["errors"][0]["code"] == "blank_image"
        assert time.monotonic() - started < 5
        assert {attack.result().status_code for attack in attacks} <= {422, 429}
    observer.check(api=API_BYTES, child=CHILD_BYTES)


@pytest.mark.parametrize("value_bytes", [20 * MIB, 80 * MIB])
def test_a_parquet_file_whose_values_repeat(stack: Stack, observe: Observe, value_bytes: int) -> None:
    """H9: a file of some kilobytes that is gigabytes when it is decoded."""
    content = parquet_bomb(value_bytes)
    assert len(content) < 64 << 10
    with observe() as observer, stack.client("mallory") as client:
        response = client.put("/v1/datasets/bomb", content=content, headers=OCTETS)
    assert response.status_code == 422, response.text
    observer.check(api=API_BYTES, child=CHILD_BYTES)


def test_inference_requests_of_many_empty_objects(stack: Stack, observe: Observe, models: dict[str, str]) -> None:
    """M1: 43 MiB of JSON that takes 1.2 GB when it is parsed, ten at once."""
    body = empty_objects(43 * MIB)

    def infer(_: int) -> httpx2.Response:
        with stack.client("mallory") as client:
            return client.post(f"/v2/models/{models['mallory']}/infer", content=body)

    with observe() as observer, ThreadPoolExecutor(5) as pool:
        responses = list(pool.map(infer, range(10)))
    assert {response.status_code for response in responses} == {400}
    assert "JSON objects" in responses[0].json()["error"]
    observer.check(api=API_BYTES, child=CHILD_BYTES)


def test_dry_runs_of_large_rounds(stack: Stack, observe: Observe) -> None:
    """H10: many kinds of rounds that are slow to measure; nothing is computed in the API."""

    def dry_run(number: int) -> int:
        layers = [{"units": 1500 + number, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
        spec = {"dataset": {"image_size": 28}, "network": {"layers": layers}, "batch_size": 2048}
        with stack.client("mallory") as client:
            return client.post("/v1/jobs?dry_run=true", json=spec).status_code

    with observe() as observer, ThreadPoolExecutor(20) as pool:
        attacks = [pool.submit(dry_run, number) for number in range(20)]
        with stack.client("bob", timeout=60) as bob:
            assert bob.post("/v1/jobs?dry_run=true", json={"batch_size": 33}).status_code == 200
        assert {attack.result() for attack in attacks} <= {200, 422, 429}
    observer.check(api=API_BYTES)


def test_a_client_that_leaves_ends_its_child(stack: Stack, models: dict[str, str]) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        predict(stack, "mallory", models, *[progressive_jpeg(50)] * 20, timeout=1.0)
    until(lambda: not computing(stack), 5, "an end of the decoding")


def test_large_honest_bodies_are_answered(stack: Stack, models: dict[str, str]) -> None:
    """The largest documented bodies: 48 MiB of JSON, 20,000 images."""
    row = [0] * 700 + [255] * 84
    with stack.client("mallory", timeout=120) as client:
        body = {"pixels": [row] * 20_000}
        response = client.post(f"/v1/jobs/{models['mallory']}/predictions", json=body)
    assert response.status_code == 200, response.text
    assert len(response.json()["predictions"]) == 20_000
