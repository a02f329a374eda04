"""Weights as pictures."""

import io

import httpx2
import numpy as np
import pytest
from PIL import Image

from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec


def shown(answer: httpx2.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)


def test_the_first_layer_has_a_tile_for_each_unit(
    client: httpx2.Client, model_id: str, trained: tuple[JobSpec, State, float]
) -> None:
    picture = shown(client.get(f"/v1/jobs/{model_id}/weights.png"))
    factor = 600 // 291
    assert picture.shape == (291 * factor, 291 * factor, 3)
    weights = trained[1].parameters[: 784 * 100].reshape(28, 28, 100)
    row, column, unit = np.unravel_index(np.argmax(weights), weights.shape)
    top, left = (1 + 29 * at for at in divmod(int(unit), 10))
    red, green, blue = picture[(top + row) * factor, (left + column) * factor]
    assert (red, green) == (255, blue)
    assert abs(green - 255 * (1 - weights.max() / np.abs(weights).max())) <= 3
    assert picture[0, 0].tolist() == [255, 255, 255]


def test_other_layers_are_matrices(client: httpx2.Client, model_id: str) -> None:
    assert shown(client.get(f"/v1/jobs/{model_id}/weights.png?layer=1")).shape == (600, 60, 3)
    answer = client.get(f"/v1/jobs/{model_id}/weights.png?layer=2")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_weights")


@pytest.mark.parametrize("what", ["weights.png", "model", "model?format=onnx"])
def test_matching_etags_get_304(client: httpx2.Client, model_id: str, what: str) -> None:
    url = f"/v1/jobs/{model_id}/{what}"
    tag = client.get(url).headers["etag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
