"""Data sets over HTTP: what there is, and uploads that a job can be posted for at once."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image
from redis import Redis

from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs

ZIP = {"content-type": "application/zip"}
SPEC = {"dataset": {"name": "mine"}, "network": {"layers": [{"units": 2, "activation": "softmax"}]}}


@pytest.fixture
def alone(
    store: Redis, settings: Settings, serve: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> Iterator[httpx2.Client]:
    """A service with a data folder of its own."""
    with (
        serve(settings.model_copy(update={"data_dir": tmp_path / "data"})) as url,
        httpx2.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def archive(count: int = 7) -> bytes:
    file = io.BytesIO()
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(file, "w") as target:
        for number in range(2 * count):
            picture = io.BytesIO()
            Image.fromarray(generator.integers(0, 256, (28, 28), np.uint8)).save(picture, "PNG")
            target.writestr(f"{'ab'[number % 2]}/{number}.png", picture.getvalue())
    return file.getvalue()


def test_an_upload_can_be_trained_on(alone: httpx2.Client) -> None:
    assert [one["name"] for one in alone.get("/v1/datasets").json()["data"]] == [
        "mnist", "ylecun/mnist", "zalando-datasets/fashion_mnist"
    ]  # fmt: skip
    assert alone.post("/v1/jobs", json=SPEC).json()["errors"][0]["code"] == "unknown_dataset"
    answer = alone.put("/v1/datasets/mine", content=archive(), headers=ZIP)
    assert answer.status_code == 201, answer.text
    expected = {"name": "mine", "source": "uploaded", "status": "ready", "classes": ["a", "b"], "train_samples": 12,
                "test_samples": 2, "samples_read": None, "preprocessing": "none"}  # fmt: skip
    assert answer.json() == expected
    assert alone.get("/v1/datasets/mine").json() == expected
    assert expected in alone.get("/v1/datasets").json()["data"]
    assert alone.post("/v1/jobs", json=SPEC).status_code == 202
    wrong = alone.post("/v1/jobs", json={"dataset": {"name": "mine"}}).json()["errors"][0]
    assert wrong["pointer"] == "/network/layers/1/units"


def test_nothing_is_left_of_what_is_refused(alone: httpx2.Client, tmp_path: Path) -> None:
    answer = alone.put("/v1/datasets/mine", content=b"PK\x03\x04 but no more", headers=ZIP)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "broken_file")
    assert alone.get("/v1/datasets/mine").json()["code"] == "not_found"
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["mnist", "mine"])
def test_a_data_set_never_changes(alone: httpx2.Client, name: str) -> None:
    first = alone.put("/v1/datasets/mine", content=archive(), headers=ZIP)
    assert first.status_code == 201
    again = alone.put(f"/v1/datasets/{name}", content=archive(8), headers=ZIP)
    assert (again.status_code, again.json()["code"]) == (409, "dataset_exists")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-zip-compressed"}])
def test_a_file_that_is_not_said_to_be_a_zip_is_looked_at(alone: httpx2.Client, headers: dict[str, str]) -> None:
    assert alone.put("/v1/datasets/mine", content=archive(), headers=headers).status_code == 201


def test_what_is_wrong_is_said(client: httpx2.Client) -> None:
    assert client.put("/v1/datasets/mine", json={}).json()["code"] == "unsupported_media_type"
    assert client.put("/v1/datasets/A!", content=b"", headers=ZIP).json()["errors"][0]["pointer"] == "#/path/name"
    assert client.get("/v1/datasets/nothing").status_code == 404
    assert client.get("/v1/datasets/ylecun/mnist").json()["train_samples"] == 60_000


def test_a_data_set_goes_when_no_job_is_kept_of_it(alone: httpx2.Client, jobs: Jobs, tmp_path: Path) -> None:
    assert alone.put("/v1/datasets/mine", content=archive(), headers=ZIP).status_code == 201
    job_id = alone.post("/v1/jobs", json=SPEC).json()["id"]
    alone.post("/v1/jobs", json={})
    for status in (Status.QUEUED, Status.CANCELLED):
        if status is Status.CANCELLED:
            jobs.move(job_id, status)
        refused = alone.delete("/v1/datasets/mine")
        assert (refused.status_code, refused.json()["code"]) == (409, "dataset_in_use")
        assert refused.json()["detail"].startswith("jobs that are kept were posted for 'mine': 1;")
    assert alone.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert alone.delete("/v1/datasets/mine").status_code == 204
    assert list((tmp_path / "data" / "datasets").iterdir()) == []
    for name in ("mine", "mnist"):
        assert alone.delete(f"/v1/datasets/{name}").json()["code"] == "not_found"
    assert alone.put("/v1/datasets/mine", content=archive(8), headers=ZIP).status_code == 201


def test_data_sets_are_everybody_s_so_only_an_administrator_deletes_them(
    settings: Settings, serve: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    tokens = [create(file, scope.value, frozenset({scope})) for scope in (Scope.SUBMIT, Scope.ADMIN)]
    with serve(settings.model_copy(update={"data_dir": tmp_path / "data", "api_keys_file": file})) as url:
        submitter, administrator = (
            httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) for token in tokens
        )
        with submitter, administrator:
            assert submitter.put("/v1/datasets/mine", content=archive(), headers=ZIP).status_code == 201
            assert submitter.delete("/v1/datasets/mine").json()["code"] == "forbidden"
            assert administrator.delete("/v1/datasets/mine").status_code == 204


def test_progress_is_told_while_it_is_read(alone: httpx2.Client, tmp_path: Path) -> None:
    def slowly() -> Iterator[bytes]:
        content = archive(1000)
        yield content[: len(content) // 2]
        with httpx2.Client(base_url=alone.base_url) as other:
            seen.append(other.get("/v1/datasets/mine").json())
            seen.append(other.put("/v1/datasets/mine", content=b"", headers=ZIP).json())
        names.extend((tmp_path / "data").rglob("*"))
        yield content[len(content) // 2 :]

    seen: list[dict[str, object]] = []
    names: list[Path] = []
    assert alone.put("/v1/datasets/mine", content=slowly(), headers=ZIP, timeout=60).status_code == 201
    assert (seen[0]["status"], seen[0]["samples_read"]) == ("installing", 0)
    assert seen[1]["code"] == "dataset_exists"
    assert names == []  # a process that is killed now would leave nothing
