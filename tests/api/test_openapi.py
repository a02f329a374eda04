"""The whole service against its own description: schemathesis over every operation, with a real worker behind it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from dualtrain.api.app import create_app
from dualtrain.api.errors.problems import CODES
from dualtrain.core.settings import Settings
from dualtrain.core.spec import DatasetSpec, JobSpec, NetworkSpec

Document = dict[str, Any]
EXAMPLES = 6
"""For each operation, beside the examples and the boundary values of every parameter."""
UNTRIED = "/v1/events"
"""A stream without end; tests/api/routes/test_events.py listens to it."""
NOT_CHECKED = "positive_data_acceptance"
"""No schema can say that the last layer has as many units as there are classes; such a spec is refused all the same."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("phases", ["examples,fuzzing", pytest.param("coverage", marks=pytest.mark.contract)])
def test_no_answer_is_undocumented_and_none_is_a_fault_of_the_server(
    stack: httpx2.Client, tmp_path: Path, phases: str
) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", str(stack.base_url.join("/openapi.json")),
        "--header", f"Authorization: {stack.headers['authorization']}", "--exclude-path", UNTRIED,
        "--phases", phases, "--max-examples", str(EXAMPLES), "--exclude-checks", NOT_CHECKED,
        "--request-timeout", "60", "--continue-on-failure", "--no-color", "--generation-deterministic",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:]


@pytest.fixture
def document(settings: Settings) -> Document:
    return create_app(settings, aggregator=False).openapi()


def test_every_operation_has_a_name_a_summary_and_a_model(
    document: Document,
) -> None:
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert operation["description"], (method, path)
            answers = operation["responses"]
            assert isinstance(answers, dict)
            assert any(status.startswith("2") for status in answers), (method, path)
    assert len(names) == len(set(names))


def test_every_summary_is_a_sentence(document: Document) -> None:
    summaries = [operation["summary"] for operations in document["paths"].values() for operation in operations.values()]
    assert [summary for summary in summaries if not (summary[0].isupper() and summary.endswith("."))] == []
    assert len(set(summaries)) == len(summaries)


def test_no_default_is_an_object(document: Document) -> None:
    """openapi-python-client leaves out every model that has one, and `POST /v1/jobs` with it."""
    fields = [
        field for schema in document["components"]["schemas"].values() for field in schema.get("properties", {}).items()
    ]
    assert [name for name, field in fields if isinstance(field.get("default"), dict)] == []


@pytest.mark.parametrize(
    ("address", "name", "suggestion"),
    [
        ("/v1/jobs?statuss=failed", "statuss", "status"),
        ("/v1/workers?x=1", "x", None),
        ("/v1/jobs?metadata=1", "metadata", None),
        ("/v1/jobs?limit[a]=1", "limit[a]", "limit"),
        ("/v1/jobs/job-1/history?Accept=csv", "Accept", None),
    ],
)
def test_unknown_parameters_are_refused(client: httpx2.Client, address: str, name: str, suggestion: str | None) -> None:
    answer = client.get(address)
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["code"], fault["pointer"]) == (422, "unknown_parameter", f"#/query/{name}")
    if suggestion:
        assert fault["suggestion"] == suggestion


def test_known_parameters_pass(client: httpx2.Client) -> None:
    assert client.get("/v1/jobs?limit=1&metadata[a]=b&status=failed").status_code == 200
    assert client.get("/v1/datasets/mnist/samples?limit=1").status_code == 200


def test_every_problem_has_its_media_type_and_a_known_code(
    document: Document,
) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                if not path.startswith("/v2") and status[0] in "45":
                    assert list(content) == ["application/problem+json"], (path, status)
                    assert set(content["application/problem+json"]["examples"]) <= set(CODES)


def test_the_documentation_needs_no_other_server(client: httpx2.Client) -> None:
    page = client.get("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/docs/")
        assert client.get(address).status_code == 200
    assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("style-src")[0]
    assert "/openapi.json" in client.get("/docs/start.js").text


def test_every_code_of_a_problem_is_used_and_documented(document: Document) -> None:
    root = Path(__file__).parents[2]
    sources = "".join(path.read_text() for path in (root / "api").rglob("*.py"))
    table = (root / "docs" / "http.md").read_text()
    for code in CODES:
        assert sources.count(f'"{code}"') > 1, code
        assert f"`{code}`" in table, code


@pytest.mark.parametrize("part", [JobSpec, DatasetSpec, NetworkSpec])
def test_every_field_of_a_job_is_described(document: Document, part: type[BaseModel]) -> None:
    told = document["components"]["schemas"][part.__name__]["properties"]
    assert set(told) == set(part.model_fields)
    assert [name for name, schema in told.items() if not schema.get("description")] == []
