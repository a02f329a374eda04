"""The session cookie: which one counts, and that a hostile `Cookie` header costs nothing."""

import time
from collections.abc import Callable

import httpx2
import pytest

from dualtrain.api.middleware.cookies import COOKIE, COOKIE_BYTES, SECURE_COOKIE, session_secret

Caller = Callable[..., httpx2.Client]


@pytest.mark.parametrize(
    ("cookies", "secret"),
    [
        ([], None),
        ([""], None),
        (["; ;=;a"], None),
        ([f"{COOKIE}=x"], "x"),
        ([f"a=b; {COOKIE}=x; c=d"], "x"),
        ([f"{COOKIE}=x=y"], "x=y"),
        ([f"{COOKIE}=x; {SECURE_COOKIE}=y"], "y"),
        ([f"{SECURE_COOKIE}=y", f"{COOKIE}=x"], "y"),
        ([f"not{COOKIE}=x"], None),
    ],
)
def test_the_secret_is_found(cookies: list[str], secret: str | None) -> None:
    assert session_secret(cookies) == secret


@pytest.mark.parametrize("size", [COOKIE_BYTES - 10, 16_000, 60_000])
def test_a_hostile_cookie_costs_nothing(client: httpx2.Client, size: int) -> None:
    """Quadratic cookie parsing takes 0.06 s for 4 KB, 15 s for 64 KB on older Pythons."""
    headers = {"Cookie": 'a="' + "\\" * size + '"'}
    client.get("/livez")
    started = time.perf_counter()
    statuses = {client.get(address, headers=headers).status_code for address in ("/livez", "/v1/jobs", "/v1/session")}
    assert time.perf_counter() - started < 1.0
    assert statuses == ({200} if size < COOKIE_BYTES else {431})


def test_many_cookie_headers_count_together(client: httpx2.Client) -> None:
    answer = client.get("/v1/jobs", headers=[("Cookie", "a=" + "b" * 2000)] * 3)
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")
