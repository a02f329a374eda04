"""Predictions over HTTP: in every form, by every name."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from dualtrain.core.data import Dataset, resize, scale
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import MAX_FAULTS

FOREIGN = Path(__file__).parents[2] / "core" / "data" / "foreign_digits.zip"
Trained = tuple[JobSpec, State, float]


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(image).reshape(28, 28)).save(file, "PNG")
    return file.getvalue()


def predicted(response: httpx2.Response) -> list[int]:
    assert response.status_code == 200, response.text
    return [one["digit"] for one in response.json()["predictions"]]


def codes(response: httpx2.Response) -> list[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return [(fault["pointer"], fault["code"]) for fault in response.json()["errors"]]


def test_pixels_give_the_probabilities_of_training(
    client: httpx2.Client, model_id: str, trained: Trained, digits: Dataset
) -> None:
    images = digits.test_images[:100]
    answer = client.post(f"/v1/jobs/{model_id}/predictions", json={"pixels": images.tolist()})
    spec, state, _ = trained
    network = spec.network
    expected = _network(spec).probabilities(state.parameters, scale(images))
    found = np.array([one["probabilities"] for one in answer.json()["predictions"]])
    assert network.layers[-1].units == found.shape[1]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert predicted(answer) == expected.argmax(axis=1).tolist()
    assert answer.json()["model"] == {"job_id": model_id, "step": state.step}
    assert answer.json()["predictions"][0]["label"] == str(predicted(answer)[0])


def test_all_forms_agree_on_mnists_own_digits(client: httpx2.Client, model_id: str, digits: Dataset) -> None:
    images, labels = digits.test_images[:50], digits.test_labels[:50].tolist()
    url = f"/v1/jobs/{model_id}/predictions"
    files = [("image", (f"{i}.png", png(image), "image/png")) for i, image in enumerate(images)]
    texts = [base64.b64encode(png(image)).decode() for image in images]
    texts[0] = "data:image/png;base64," + texts[0]
    texts[1] = base64.encodebytes(png(images[1])).decode().replace("\n", "\r\n")
    texts[2] = f" {texts[2][:8]}\t{texts[2][8:]}\n"
    by_form = [
        client.post(url, json={"pixels": images.tolist()}),
        client.post(url, files=files),
        client.post(url, json={"images": texts}),
    ]
    assert predicted(by_form[1]) == predicted(by_form[2])
    for answer in by_form:
        assert np.mean(np.array(predicted(answer)) == labels) >= 0.94


def test_pixels_may_be_floats(client: httpx2.Client, model_id: str, digits: Dataset) -> None:
    row = digits.test_images[0].astype(float)
    url = f"/v1/jobs/{model_id}/predictions"
    whole = client.post(url, json={"pixels": [row.astype(int).tolist()]})
    assert client.post(url, json={"pixels": [(row + 0.25).clip(0, 255).tolist()]}).json() == whole.json()


def test_the_preview_is_what_the_model_saw(
    client: httpx2.Client, put_model: Callable[..., str], digits: Dataset
) -> None:
    model = put_model(JobSpec(), State(1, np.zeros(3110, np.float32)), accuracy=0.1)  # 12x12
    body = {"pixels": [digits.test_images[0].tolist()]}
    answer = client.post(f"/v1/jobs/{model}/predictions", json=body, params={"preview": True})
    seen = Image.open(io.BytesIO(base64.b64decode(answer.json()["predictions"][0]["preview"])))
    assert np.array_equal(np.asarray(seen), resize(digits.test_images[:1].reshape(1, 28, 28), 12).reshape(12, 12))


def test_a_model_by_step_by_alias_and_the_best(
    client: httpx2.Client, put_model: Callable[..., str], trained: Trained, digits: Dataset
) -> None:
    spec, state, accuracy = trained
    blank = State(1, np.zeros_like(state.parameters))
    worse = put_model(spec, blank, accuracy=0.1)
    better = put_model(spec, blank, state, accuracy=accuracy)
    body: dict[str, Any] = {"pixels": [digits.test_images[0].tolist()]}

    def step(url: str, **extra: Any) -> tuple[str, int]:
        answer = client.post(url, json=body | extra)
        assert answer.status_code == 200, answer.text
        return answer.json()["model"]["job_id"], answer.json()["model"]["step"]

    assert step(f"/v1/jobs/{better}/predictions") == (better, state.step)
    assert step(f"/v1/jobs/{better}/predictions?step=1") == (better, 1)
    assert step(f"/v1/jobs/{better}/predictions?step=best") == (better, 1)  # the earliest of equals
    assert step("/v1/predictions")[0] == better
    assert step("/v1/predictions", model=worse) == (worse, 1)
    put = client.put("/v1/aliases/mine", json={"job_id": better, "step": state.step})
    assert put.json() == {"name": "mine", "job_id": better, "step": state.step}
    assert step("/v1/predictions", model="mine") == (better, state.step)
    assert client.put("/v1/aliases/mine", json={"job_id": worse}).json()["step"] is None
    assert step("/v1/predictions?model=mine") == (worse, 1)
    assert client.get("/v1/aliases").json()["data"] == [{"name": "mine", "job_id": worse, "step": None}]
    assert client.delete("/v1/aliases/mine").status_code == 204
    assert client.get("/v1/aliases/mine").status_code == 404
    form = client.post("/v1/predictions", files={"image": png(digits.test_images[0])}, data={"model": worse})
    assert form.json()["model"]["job_id"] == worse


def test_a_deleted_model_is_the_best_no_longer(
    client: httpx2.Client, put_model: Callable[..., str], trained: Trained, digits: Dataset
) -> None:
    spec, state, accuracy = trained
    worse, better = (put_model(spec, state, accuracy=one) for one in (0.1, accuracy))
    body = {"pixels": [digits.test_images[0].tolist()]}
    assert client.post("/v1/predictions", json=body).json()["model"]["job_id"] == better
    assert client.delete(f"/v1/jobs/{better}").status_code == 204
    assert client.post("/v1/predictions", json=body).json()["model"]["job_id"] == worse


def test_missing_models_are_404(client: httpx2.Client, submit: Callable[..., str], model_id: str) -> None:
    body = {"pixels": [[0] * 784]}
    assert client.post("/v1/jobs/job-none/predictions", json=body).json()["code"] == "job_not_found"
    assert client.post(f"/v1/jobs/{submit()}/predictions", json=body).json()["code"] == "not_there_yet"
    answer = client.post(f"/v1/jobs/{model_id}/predictions?step=7", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_there_yet")
    assert codes(client.post(f"/v1/jobs/{model_id}/predictions?step=x", json=body))[0][0] == "#/query/step"
    assert client.put("/v1/aliases/a", json={"job_id": "job-none"}).status_code == 404


WRONG: list[tuple[Any, str, str]] = [
    ({"pixels": [[0] * 783]}, "/pixels/0", "wrong_length"),
    ({"pixels": [[0] * 784, 10**12]}, "/pixels/1", "wrong_length"),
    ({"pixels": [[0] * 784, [0] * 783 + [256]]}, "/pixels/1", "wrong_pixel"),
    ({"pixels": [[-1] + [0] * 783]}, "/pixels/0", "wrong_pixel"),
    ({"pixels": [[10**4000] + [0] * 783]}, "/pixels/0", "wrong_pixel"),
    ({"pixels": [["0"] * 784]}, "/pixels/0", "wrong_pixel"),
    ({"pixels": [[0] * 784, [0] * 783 + [True]]}, "/pixels/1", "wrong_pixel"),
    ({"pixels": [[0.5] * 783 + [False]]}, "/pixels/0", "wrong_pixel"),
    ({"pixels": [[[0]] * 784]}, "/pixels/0", "wrong_pixel"),
    ({"pixels": []}, "/pixels", "no_images"),
    ({"images": ["no base64!"]}, "/images/0", "not_base64"),
    ({"images": ["aGVs-bG8="]}, "/images/0", "not_base64"),
    ({"images": ["aGVs\u00a0bG8="]}, "/images/0", "not_base64"),
    ({"images": ["aGVs\x00bG8="]}, "/images/0", "not_base64"),
    ({"images": [5]}, "/images/0", "not_base64"),
    ({"images": [base64.b64encode(b"<svg/>").decode()]}, "/images/0", "unknown_image_format"),
    ({"images": [], "pixels": []}, "", "one_of_images_pixels"),
    ({"image": "x"}, "", "one_of_images_pixels"),
    ([], "", "one_of_images_pixels"),
    ({"pixels": [[0] * 784], "step": 1}, "", "one_of_images_pixels"),
    ({"pixels": [[0] * 784], "model": 5}, "/model", "string_type"),
]


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG, ids=[f"{code}{pointer}" for _, pointer, code in WRONG])
def test_faulty_bodies_are_refused_with_pointer_and_code(
    client: httpx2.Client, model_id: str, body: Any, pointer: str, code: str
) -> None:
    assert codes(client.post(f"/v1/jobs/{model_id}/predictions", json=body)) == [(pointer, code)]


def test_true_in_a_name_is_no_pixel(client: httpx2.Client, model_id: str) -> None:
    assert client.put("/v1/aliases/true", json={"job_id": model_id}).is_success
    answer = client.post("/v1/predictions", json={"pixels": [[0] * 784], "model": "true"})
    assert answer.status_code == 200, answer.text


def test_a_blank_image_is_refused(client: httpx2.Client, model_id: str) -> None:
    files = [("image", png(np.full(784, 255, np.uint8))), ("image", png(np.zeros(784, np.uint8)))]
    for file in files:
        assert codes(client.post(f"/v1/jobs/{model_id}/predictions", files=[file])) == [("/image/0", "blank_image")]


def test_each_broken_file_is_reported_by_name(client: httpx2.Client, model_id: str, digits: Dataset) -> None:
    files = {"good.png": png(digits.test_images[0]), "torn.png": png(digits.test_images[1])[:60], "song.mp3": b"ID3"}
    parts = [("image", (name, content)) for name, content in files.items()]
    answer = client.post(f"/v1/jobs/{model_id}/predictions", files=parts)
    assert codes(answer) == [("/image/1", "broken_image"), ("/image/2", "unknown_image_format")]
    assert [fault["message"].partition(":")[0] for fault in answer.json()["errors"]] == ["torn.png", "song.mp3"]
    many = client.post(f"/v1/jobs/{model_id}/predictions", files=[("image", b"none")] * 30)
    assert len(codes(many)) == MAX_FAULTS


def test_malformed_and_large_bodies(client: httpx2.Client, model_id: str) -> None:
    url = f"/v1/jobs/{model_id}/predictions"

    def code(content: bytes, kind: str = "application/json") -> str:
        answer = client.post(url, content=content, headers={"content-type": kind})
        assert 400 <= answer.status_code < 500
        return str(answer.json()["code"])

    assert code(b"{") == "malformed_json"
    assert code(b'{"pixels": [[NaN]]}') == "malformed_json"
    assert code(b"[" * 15_000) == "malformed_json"
    assert code(b"[" * 100_000) == "invalid"
    assert code(b"x", "text/plain") == "unsupported_media_type"
    assert code(b"x", "multipart/form-data; boundary=b") == "bad_request"
    assert code(b"x", "multipart/form-data") == "bad_request"
    assert code(b"0" * ((48 << 20) + 1)) == "body_too_large"


def test_digits_unlike_mnist_are_classified(client: httpx2.Client, model_id: str, trained: Trained) -> None:
    with zipfile.ZipFile(FOREIGN) as archive:
        names = archive.namelist()
        pictures = [archive.read(name) for name in names]
    labels = np.array([int(name[0]) for name in names])
    texts = [base64.b64encode(picture).decode() for picture in pictures]
    treated = np.array(predicted(client.post(f"/v1/jobs/{model_id}/predictions", json={"images": texts})))
    plain = [Image.open(io.BytesIO(one)).convert("L").resize((28, 28), Image.Resampling.BILINEAR) for one in pictures]
    light = [np.asarray(one) for one in plain]
    body = {"pixels": [np.where(np.median(one) > 127, 255 - one, one).ravel().tolist() for one in light]}
    untreated = np.array(predicted(client.post(f"/v1/jobs/{model_id}/predictions", json=body)))
    assert trained[2] >= 0.975
    assert np.sum(treated == labels) >= 85
    assert np.sum(treated == labels) - np.sum(untreated == labels) >= 25


def test_thousands_at_once(client: httpx2.Client, model_id: str, digits: Dataset, trained: Trained) -> None:
    images = digits.test_images.tolist()
    answer = client.post(f"/v1/jobs/{model_id}/predictions", content=json.dumps({"pixels": images}),
                         headers={"content-type": "application/json"})  # fmt: skip
    assert np.mean(np.array(predicted(answer)) == digits.test_labels) == pytest.approx(trained[2], abs=1e-9)


def _network(spec: JobSpec) -> Any:
    from dualtrain.core.loop import network_for

    return network_for(spec)
