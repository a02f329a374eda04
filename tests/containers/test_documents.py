"""What docs/operations.md says about Compose, done as it stands there, in a copy of the project."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.containers.stack import READY_SECONDS, ROOT, command, example, free_port, log, program, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

BLOCK = re.compile(r"^<!-- containers -->\n```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROJECT = "dualtrain-documents"
FILES = ("Dockerfile", "docker-compose.yml", ".env.example", ".dockerignore", "pyproject.toml", "README.md", "LICENSE")
FOLDERS = ("api", "dualtrain", "client", "core", "worker", "deploy")


@pytest.fixture
def blocks() -> list[str]:
    """The blocks: start, keys, backup, restore."""
    return BLOCK.findall((ROOT / "docs" / "operations.md").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A copy of the project, and the environment of its commands; what they started is taken down."""
    for name in (*FILES, *FOLDERS):
        command("cp", "-a", str(ROOT / name), str(tmp_path / name))
    port = str(free_port())
    environment = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, "PUBLISH_PORT": port, "WORKER_PROCESSES": "1"}
    yield tmp_path, environment
    down = [*program(), "down", "--volumes", "--remove-orphans"]
    subprocess.run(down, cwd=tmp_path, env=environment, capture_output=True, check=True)


def test_start_keys_backup_and_restore(blocks: list[str], project: tuple[Path, dict[str, str]]) -> None:
    folder, environment = project
    start, keys, backup, restore = blocks
    _run(start, folder, environment)
    url, key = f"http://127.0.0.1:{environment['PUBLISH_PORT']}", example()["OPERATOR_KEY"]
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        until("ready", lambda: client.get("/readyz").is_success, READY_SECONDS)
        alice = _run(keys, folder, environment).splitlines()[-1].strip()
        headers = {"Authorization": f"Bearer {alice}"}
        until("known", lambda: client.get("/v1/jobs", headers=headers).is_success, 10)
        job = client.post("/v1/jobs", json={"max_steps": 20}, headers=headers).raise_for_status().json()["id"]
        until("trained", lambda: client.get(f"/v1/jobs/{job}").json()["status"] == "succeeded", 120)
        before = client.get(f"/v1/jobs/{job}").json()
        log.info("%s", _run(backup, folder, environment))
        assert client.delete(f"/v1/jobs/{job}").status_code == httpx2.codes.NO_CONTENT
        assert client.get(f"/v1/jobs/{job}").status_code == httpx2.codes.NOT_FOUND
        assert "are valid" in _run(restore, folder, environment)
        until("ready", lambda: client.get("/readyz").is_success, READY_SECONDS)
        assert client.get(f"/v1/jobs/{job}").json() == before
        assert client.get(f"/v1/jobs/{job}/model").is_success


def _run(block: str, folder: Path, environment: dict[str, str]) -> str:
    script = block.replace("docker compose", " ".join(program()))
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
