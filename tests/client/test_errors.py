"""Answers that are no success, as exceptions."""

import httpx2
import pytest

from dualtrain.client.errors import ApiError


def answer(**content: object) -> httpx2.Response:
    request = httpx2.Request("GET", "http://x/readyz")
    return httpx2.Response(503, request=request, **content)  # type: ignore[arg-type]


def test_a_problem_is_taken_from_the_answer() -> None:
    fault = {"pointer": "/epochs", "code": "too_small", "message": "is 0", "suggestion": "1"}
    problem = {"code": "invalid", "detail": "/epochs: is 0", "errors": [fault], "request_id": "r"}
    error = ApiError.of(answer(json=problem))
    assert (error.status, error.code, error.faults, error.request_id) == (503, "invalid", [fault], "r")
    assert str(error) == "/epochs: is 0 (did you mean '1'?) [invalid]"


def test_each_of_many_faults_has_a_line() -> None:
    faults = [
        {"pointer": "/epoch", "code": "unknown_field", "message": "there is no such field", "suggestion": "epochs"},
        {"pointer": "/seed", "code": "too_small", "message": "is -1"},
    ]
    error = ApiError.of(answer(json={"code": "invalid", "detail": "2 faults", "errors": faults}))
    lines = ["2 faults [invalid]", "/epoch: there is no such field (did you mean 'epochs'?)", "/seed: is -1"]
    assert str(error) == "\n  ".join(lines)


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
