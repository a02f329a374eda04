"""Pictures that are sent for prediction are prepared as those of the model's data set were."""

import base64
import io
import zipfile
from collections.abc import Iterator

import httpx2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.waiting import until

SHAPES = ("disc", "square", "bar")
SIDE = 40


def picture(shape: str, generator: np.random.Generator) -> bytes:
    """A dark shape somewhere on bright ground: the place tells nothing, and MNIST's form would change it."""
    image = Image.new("L", (SIDE, SIDE), int(generator.integers(200, 255)))
    left, top = (int(value) for value in generator.integers(1, 16, 2))
    draw, ink = ImageDraw.Draw(image), int(generator.integers(0, 60))
    if shape == "disc":
        draw.ellipse((left, top, left + 22, top + 22), fill=ink)
    elif shape == "square":
        draw.rectangle((left, top, left + 10, top + 10), fill=ink)
    else:
        draw.rectangle((0, top, SIDE, top + 3), fill=ink)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, list[bytes]]:
    """The test files of each class."""
    generator = np.random.default_rng(1)
    return {shape: [picture(shape, generator) for _ in range(40)] for shape in SHAPES}


@pytest.fixture(scope="module")
def trained(stack: httpx2.Client, files: dict[str, list[bytes]]) -> Iterator[dict[str, object]]:
    """A job that has learned the shapes."""
    generator = np.random.default_rng(2)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for shape in SHAPES:
            for number in range(200):
                zipped.writestr(f"train/{shape}/{number}.png", picture(shape, generator))
            for number, data in enumerate(files[shape]):
                zipped.writestr(f"test/{shape}/{number}.png", data)
    upload = stack.put("/v1/datasets/dark-shapes", content=archive.getvalue())
    assert upload.status_code == 201, upload.text
    assert upload.json()["preprocessing"] == "none"
    spec = {
        "dataset": {"name": "dark-shapes", "image_size": 14},
        "network": {"layers": [{"units": 30, "activation": "tanh"}, {"units": 3, "activation": "softmax"}]},
        "gradient": {"method": "per-neuron"},
        "optimizer": {"name": "momentum", "learning_rate": 0.02},
        "batch_size": 20,
        "epochs": 40,
    }
    job = stack.post("/v1/jobs", json=spec).json()
    until(lambda: stack.get(f"/v1/jobs/{job['id']}").json()["status"] == "succeeded", 120, "the job")
    yield stack.get(f"/v1/jobs/{job['id']}").json()


@pytest.mark.parametrize("way", ["base64", "multipart"])
def test_a_sets_own_files_give_its_test_accuracy(
    stack: httpx2.Client, trained: dict[str, object], files: dict[str, list[bytes]], way: str
) -> None:
    """They were treated as digits: of 600 files of a set with 100 % test accuracy 18 were read."""
    address = f"/v1/jobs/{trained['id']}/predictions"
    right = 0
    for shape, pictures in files.items():
        if way == "base64":
            texts = [base64.b64encode(data).decode() for data in pictures]
            answer = stack.post(address, json={"images": texts})
        else:
            answer = stack.post(address, files=[("image", (f"{i}.png", data)) for i, data in enumerate(pictures)])
        assert answer.is_success, answer.text
        right += sum(prediction["label"] == shape for prediction in answer.json()["predictions"])
    accuracy = trained["metrics"]["test_accuracy"]  # type: ignore[index]
    assert accuracy > 0.6
    assert right / 120 == pytest.approx(accuracy, abs=0.01)


def test_a_set_may_ask_for_mnists_form(stack: httpx2.Client) -> None:
    archive = io.BytesIO()
    generator = np.random.default_rng(3)
    with zipfile.ZipFile(archive, "w") as zipped:
        for shape in SHAPES[:2]:
            for number in range(14):
                zipped.writestr(f"{shape}/{number}.png", picture(shape, generator))
    answer = stack.put("/v1/datasets/inked", params={"preprocessing": "mnist"}, content=archive.getvalue())
    assert (answer.status_code, answer.json()["preprocessing"]) == (201, "mnist")
    (sample, *_) = stack.get("/v1/datasets/inked/samples").json()["data"]
    pixels = np.array(sample["pixels"]).reshape(28, 28)
    assert pixels[0].max() == 0  # light ink in the middle of black, as MNIST has it
    assert pixels.max() > 200
    assert stack.get("/v1/datasets/mnist").json()["preprocessing"] == "mnist"
