"""A client generated from the OpenAPI document posts a job; `make generated-client` installs the generator."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

PROGRAM = """
import sys
from generated import Client
from generated.api.jobs import create_job, get_job, list_jobs
from generated.models import JobList, JobSpec, JobView
client = Client(base_url=sys.argv[1])
job = create_job.sync(client=client, body=JobSpec(name="generated", max_steps=3))
assert isinstance(job, JobView), job
listed = list_jobs.sync(client=client, name="generated")
assert isinstance(listed, JobList), listed
assert [one.id for one in listed.data] == [job.id]
print(job.id)
"""


def test_a_generated_client_posts_a_job(client: httpx2.Client, tmp_path: Path) -> None:
    pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed")
    document = tmp_path / "openapi.json"
    document.write_bytes(client.get("/openapi.json").content)
    output = tmp_path / "generated"
    options = ["--path", str(document), "--meta", "none", "--output-path", str(output)]
    subprocess.run([sys.executable, "-m", "openapi_python_client", "generate", *options], check=True, cwd=tmp_path)
    command = [sys.executable, "-c", PROGRAM, str(client.base_url)]
    job_id = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True).stdout.strip()
    assert client.get(f"/v1/jobs/{job_id}").json()["name"] == "generated"
