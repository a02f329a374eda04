"""Commands about models and workers."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from dualtrain.client import JobHandle


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A one, black on white."""
    image = Image.new("L", (80, 80), 255)
    ImageDraw.Draw(image).line((40, 10, 40, 70), fill=0, width=8)
    path = tmp_path / "one.png"
    image.save(path)
    return path


def test_predict(dualtrain: Any, trained: JobHandle, picture: Path) -> None:
    code, out, _ = dualtrain("predict", str(picture), "--model", trained.id)
    assert code == 0
    assert out.splitlines()[-1].split()[1] == "1"
    found = json.loads(dualtrain("predict", str(picture), "--model", trained.id, "--json")[1])
    assert found[0]["digit"] == 1
    assert len(found[0]["probabilities"]) == 10


def test_what_is_no_image_is_refused(dualtrain: Any, trained: JobHandle, tmp_path: Path) -> None:
    path = tmp_path / "text.png"
    path.write_text("no image")
    code, _, err = dualtrain("predict", str(path), "--model", trained.id)
    assert code == 3
    assert "text.png: this is not a PNG" in err
    assert dualtrain("predict", str(tmp_path / "none.png"))[0] == 2


@pytest.mark.parametrize("ending", ["safetensors", "npz", "onnx"])
def test_export(dualtrain: Any, trained: JobHandle, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"model.{ending}"
    code, out, _ = dualtrain("export", trained.id, str(path), "--step", "best")
    assert code == 0
    assert f"{path.stat().st_size:,} bytes" in out
    assert path.stat().st_size > 4 * 3110


def test_an_unknown_ending_is_refused(dualtrain: Any, trained: JobHandle, tmp_path: Path) -> None:
    code, _, err = dualtrain("export", trained.id, str(tmp_path / "model.h5"))
    assert code == 2
    assert "safetensors" in err


def test_workers(dualtrain: Any) -> None:
    assert dualtrain("workers")[1].count("\n") == 2
    assert len(json.loads(dualtrain("workers", "--json")[1])) == 1
