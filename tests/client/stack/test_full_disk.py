"""A full disk under the data folder: the stack stays, says so, and goes on when there is space."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dualtrain.client import Client
from tests.waiting import until

SIZE = "30m"
JOB = {"epochs": 1, "gradient": {"method": "per-neuron"}, "evaluate_every": 20}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with a file system of 30 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder))
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"a small disk cannot be made: {error}")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be made: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


def fill(path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_ends_nothing_and_jobs_go_on_with_space(up: Any, small_disk: Path) -> None:
    process = up(folder=small_disk)
    url = process.stdout.readline().strip()
    with Client(url) as client:
        quiet = client.submit(JOB).wait()
        job = client.submit(JOB)
        next(event for event in job.events() if event.type == "step")
        fill(small_disk / "full")
        assert any("is full" in line for line in process.stderr)
        until(lambda: httpx2.get(f"{url}/readyz").status_code == httpx2.codes.SERVICE_UNAVAILABLE)
        assert process.poll() is None
        (small_disk / "full").unlink()
        ended = job.wait()
    assert ended.status == "succeeded"
    assert ended.model.sha256 == quiet.model.sha256
    process.terminate()
    messages = process.communicate(timeout=60)[1]
    assert "has space again" in messages
    assert "Traceback" not in messages
