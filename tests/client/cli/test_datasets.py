"""Commands about data sets and aliases."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from dualtrain.client import JobHandle


def test_upload_list_and_delete(dualtrain: Any, tmp_path: Path) -> None:
    path = tmp_path / "shades.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, shade in (("dark", 10), ("light", 200)):
            for number in range(14):
                file = io.BytesIO()
                Image.new("L", (28, 28), shade + number).save(file, "PNG")
                archive.writestr(f"{name}/{number}.png", file.getvalue())
    code, out, err = dualtrain("upload", "shades", str(path))
    assert (code, err) == (0, "")
    assert "classes: dark, light" in out
    assert "shades" in dualtrain("datasets")[1]
    assert dualtrain("datasets", "--delete", "shades")[:2] == (0, "shades deleted\n")
    assert "shades" not in {one["name"] for one in json.loads(dualtrain("datasets", "--json")[1])}


def test_alias(dualtrain: Any, trained: JobHandle) -> None:
    assert trained.id in dualtrain("alias", "digits", trained.id, "--step", "best")[1]
    assert json.loads(dualtrain("alias", "--json")[1])[0]["name"] == "digits"
    dualtrain("alias", "digits", "--delete")
    assert json.loads(dualtrain("alias", "--json")[1]) == []
