"""Answers that are no success, as exceptions."""

import httpx
import pytest

from client.errors import ApiError


def answer(**content: object) -> httpx.Response:
    request = httpx.Request("GET", "http://x/readyz")
    return httpx.Response(503, request=request, **content)  # type: ignore[arg-type]


def test_a_problem_is_taken_from_the_answer() -> None:
    fault = {"pointer": "/epochs", "code": "too_small", "message": "is 0"}
    problem = {"code": "invalid", "detail": "no", "errors": [fault], "request_id": "r"}
    error = ApiError.of(answer(json=problem))
    assert (error.status, error.code, error.faults, error.request_id) == (503, "invalid", [fault], "r")
    assert str(error) == "no [invalid]\n  /epochs: is 0"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"json": {"status": "not ready", "checks": {"workers": "none is alive"}}}, '"workers":"none is alive"'),
        ({"text": "<html>bad gateway</html>"}, "http://x/readyz: Service Unavailable [unknown]"),
        ({"json": [1, 2]}, "Service Unavailable: [1,2] [unknown]"),
    ],
)
def test_an_answer_without_a_problem_says_what_it_can(content: dict[str, object], shown: str) -> None:
    error = ApiError.of(answer(**content))
    assert (error.status, error.code) == (503, "unknown")
    assert shown in str(error)
    assert "html" not in str(error)
