"""The client against a whole stack."""

import io
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from dualtrain.client import ApiError, Client, JobHandle
from dualtrain.core.data import load
from dualtrain.core.job import Status
from dualtrain.core.spec import JobSpec

LONG: dict[str, Any] = {"epochs": 50, "gradient": {"method": "per-neuron"}}


def test_a_job_is_trained_and_predicts(trained: JobHandle, client: Client) -> None:
    assert trained.record.status is Status.SUCCEEDED
    samples = client.samples(limit=10)
    found = trained.predict(pixels=[sample["pixels"] for sample in samples])
    right = sum(one.digit == sample["label"] for one, sample in zip(found, samples, strict=True))
    assert len(found) == 10
    assert right >= 5
    assert sum(found[0].probabilities) == pytest.approx(1, abs=1e-5)
    (alone,) = client.predict(pixels=[samples[0]["pixels"]], model=trained.id)
    assert alone.digit == found[0].digit
    assert alone.probabilities == pytest.approx(found[0].probabilities, abs=1e-6)  # another batch, another last digit


def test_a_stream_that_refuses_is_a_problem(client: Client) -> None:
    record = client.submit({"max_steps": 1}).record.model_copy(update={"id": "job-of-nobody"})
    job = JobHandle(client._transport, record)
    with pytest.raises(ApiError, match="job_not_found"):
        list(job.events())


def test_a_spec_may_be_a_model(client: Client) -> None:
    dry_run = client.dry_run(JobSpec(epochs=3))
    assert dry_run["passes"] == 3 * client.dry_run()["passes"] > 0


def test_a_fault_carries_code_and_place(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.submit({"network": {"layers": [{"units": 0}]}, "epoch": 2})
    assert (caught.value.status, caught.value.code) == (422, "invalid")
    assert {fault["pointer"] for fault in caught.value.faults} >= {"/network/layers/0/units", "/epoch"}
    assert "/network/layers/0/units" in str(caught.value)
    assert caught.value.request_id


def test_a_job_that_is_not_there(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.job("job-of-nobody")
    assert caught.value.code == "job_not_found"


def test_pause_resume_cancel_may_be_said_twice(client: Client) -> None:
    job = client.submit(LONG)
    for event in job.events():
        if event.type == "step":
            break
    end = time.monotonic() + 20
    while not job.refresh().estimated_finish_at:  # it is known once some steps were made
        assert time.monotonic() < end
        time.sleep(0.1)
    for change, status in ((job.pause, Status.PAUSED), (job.resume, Status.RUNNING), (job.cancel, Status.CANCELLED)):
        assert change().status is status
        assert change().status is status
    assert job.ended
    with pytest.raises(ApiError) as caught:
        job.resume()
    assert caught.value.code == "illegal_transition"
    for _ in range(2):  # the first answer may have been lost
        job.delete()
    with pytest.raises(ApiError, match="job_not_found"):
        job.refresh()


def test_jobs_are_listed_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualtrain.client.client.PAGE", 2)
    mark = {"metadata": {"mark": uuid4().hex}}
    made = [client.submit({"max_steps": 1, **mark}).id for _ in range(5)]
    assert [job.id for job in client.jobs(metadata=mark["metadata"])] == made[::-1]
    assert [job.id for job in client.jobs(metadata=mark["metadata"], limit=3)] == made[:1:-1]
    for job_id in made:
        client.job(job_id).wait()
    assert len(list(client.jobs(metadata=mark["metadata"], status="succeeded"))) == 5


def test_what_the_service_is_made_of(client: Client) -> None:
    assert client.ready()["status"] == "ok"
    assert len(client.workers()) == 1
    assert "mnist" in {dataset["name"] for dataset in client.datasets()}


def test_a_data_set_is_uploaded_and_deleted(client: Client, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        for number in range(14):
            picture = io.BytesIO()
            Image.fromarray(np.full((28, 28), 10 * number, np.uint8)).save(picture, "PNG")
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", picture.getvalue())
    name = f"mine-{uuid4().hex}"
    assert client.upload(name, tmp_path / "two.zip")["classes"] == ["a", "b"]
    assert name in [one["name"] for one in client.datasets()]
    with pytest.raises(ApiError, match="dataset_exists"):
        client.upload(name, tmp_path / "two.zip")
    client.delete_dataset(name)
    assert name not in [one["name"] for one in client.datasets()]


def test_samples_are_those_of_the_split(client: Client, data_dir: Path) -> None:
    data = load("mnist", 28, data_dir, ())
    for split, labels in (("train", data.train_labels), ("test", data.test_labels)):
        assert [one["label"] for one in client.samples(split=split, limit=5)] == labels[:5].tolist()


class Answering(BaseHTTPRequestHandler):
    """Lists nothing, and remembers which key was shown."""

    shown: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.shown.append(self.headers["Authorization"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": []}')

    def log_message(self, *_: Any) -> None:
        pass


def test_a_key_is_shown_with_every_request() -> None:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        for key in ("secret", None):
            with Client(f"http://127.0.0.1:{server.server_port}", key) as client:
                assert client.workers() == client.datasets() == []
        server.shutdown()
        thread.join()
    assert Answering.shown == ["Bearer secret"] * 2 + [None] * 2
