"""History, evaluation, checkpoints."""

import csv
import io
import json
from typing import Any

import httpx2
import numpy as np
import pyarrow.parquet
import pytest
from redis import Redis

from dualtrain.core.history import COLUMNS
from dualtrain.core.store import Checkpoint, Checkpoints, JobEvent, Jobs, Lease

POINTS: list[dict[str, Any]] = [
    dict.fromkeys(COLUMNS) | {"step": 1, "passes": 7, "loss": 2.3, "seconds": 0.1},
    dict.fromkeys(COLUMNS) | {"step": 2, "passes": 14, "loss": 2.1, "test_accuracy": 0.5, "seconds": 0.2},
]


@pytest.fixture
def lease(running: Lease, jobs: Jobs) -> Lease:
    """The lease of a running job with two points of history."""
    jobs.commit(running, [JobEvent("", point["step"], {}, point) for point in POINTS])
    return running


def test_history_is_json_csv_or_parquet(client: httpx2.Client, lease: Lease) -> None:
    address = f"/v1/jobs/{lease.job_id}/history"
    assert client.get(address).json() == {"job_id": lease.job_id, "data": POINTS}
    answer = client.get(address, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["step"], row["loss"], row["test_accuracy"]) for row in rows] == [("1", "2.3", ""), ("2", "2.1", "0.5")]
    parquet = client.get(address, headers={"Accept": "application/vnd.apache.parquet"})
    assert pyarrow.parquet.read_table(io.BytesIO(parquet.content)).to_pylist() == POINTS


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/*, application/json;q=0.1", "text/csv"),
        ("image/png, */*;q=0.1", "application/json"),
    ],
)
def test_accept_is_weighed(client: httpx2.Client, lease: Lease, accept: str, form: str) -> None:
    answer = client.get(f"/v1/jobs/{lease.job_id}/history", headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == form


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=x"])
def test_other_forms_cannot_be_had(client: httpx2.Client, lease: Lease, accept: str) -> None:
    answer = client.get(f"/v1/jobs/{lease.job_id}/history", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_the_newest_evaluation_is_shown(client: httpx2.Client, jobs: Jobs, lease: Lease) -> None:
    address = f"/v1/jobs/{lease.job_id}/evaluation"
    assert (client.get(address).status_code, client.get(address).json()["code"]) == (404, "not_there_yet")
    found = {"step": 2, "test_accuracy": 0.75, "validation_accuracy": None, "confusion": [[2, 0], [1, 1]],
             "by_class": [1.0, 0.5]}  # fmt: skip
    jobs.commit(lease, evaluation=found)
    assert client.get(address).json() == {"job_id": lease.job_id, **found}


def test_checkpoints_are_listed_with_best_and_last(client: httpx2.Client, store: Redis, lease: Lease) -> None:
    for step, accuracy in ((1, 0.5), (2, 0.9), (3, 0.7)):
        checkpoint = Checkpoint(step, {"parameters": np.full(4, step, np.float32)}, {})
        Checkpoints(store).save(lease, checkpoint, {"test_accuracy": accuracy}, keep=5)
    found = client.get(f"/v1/jobs/{lease.job_id}/checkpoints").json()["data"]
    assert [(one["step"], one["best"], one["last"]) for one in found] == [
        (1, False, False), (2, True, False), (3, False, True)]  # fmt: skip
    assert all(len(one["sha256"]) == 64 for one in found)
    assert json.dumps(found)
