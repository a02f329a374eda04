"""Parquet files that repeat large values, lie about their types or nest their metadata: refused within limits."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from dualtrain.core.data import DatasetError, install

MEBIBYTE = 1 << 20
LIMIT_MEBIBYTES = 900
INSTALL = """
import sys
from pathlib import Path
import datasets
from dualtrain.core.data import DatasetError, install
try:
    install("mine", Path(sys.argv[1]), Path(sys.argv[2]))
except DatasetError as error:
    print(error.code)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def bomb(path: Path, value_bytes: int, column: str) -> Path:
    """Write some kilobytes of Parquet whose every row has a value of `value_bytes`."""
    large = pa.array([bytes(value_bytes) if column == "image" else "x" * value_bytes])
    value = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), large)
    columns: dict[str, Any] = {"image": [b"x"] * 64, "label": ["a", "b"] * 32} | {column: value}
    parquet.write_table(pa.table(columns), path, compression="zstd")
    return path


@pytest.mark.parametrize(("column", "code"), [("image", "image_too_large"), ("label", "bad_row")])
def test_a_repeated_large_value_is_never_multiplied(tmp_path: Path, column: str, code: str) -> None:
    path = bomb(tmp_path / "bomb", 100 * MEBIBYTE, column)
    assert path.stat().st_size < 64 << 10
    command = [sys.executable, "-c", INSTALL, str(path), str(tmp_path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert lines[0] == code
    assert int(lines[1]) < LIMIT_MEBIBYTES << 10


def test_a_column_that_is_too_large_uncompressed_is_refused_unread(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb", 300 * MEBIBYTE, "image")
    with pytest.raises(DatasetError, match="smaller row groups") as refusal:
        install("mine", path, tmp_path)
    assert refusal.value.code == "file_too_large"


@pytest.mark.parametrize(
    "labels",
    [[datetime(9999, 1, 1)] * 2, [["a"], ["b"]], [b"a", b"b"], [{"a": 1}, {"a": 2}]],
    ids=["timestamps", "lists", "bytes", "structs"],
)
def test_labels_of_other_types_are_refused_by_name(tmp_path: Path, labels: list[Any]) -> None:
    parquet.write_table(pa.table({"image": [b"x", b"x"], "label": labels}), tmp_path / "file")
    with pytest.raises(DatasetError, match="column `label` holds .*; it must hold numbers or texts"):
        install("mine", tmp_path / "file", tmp_path)


def test_deep_metadata_is_a_broken_file(tmp_path: Path, draw: Callable[..., bytes]) -> None:
    table = pa.table({"image": [draw(0), draw(1)], "label": [0, 1]})
    deep = b'{"info":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    parquet.write_table(table.replace_schema_metadata({b"huggingface": deep}), tmp_path / "file")
    with pytest.raises(DatasetError, match="nested too deeply"):
        install("mine", tmp_path / "file", tmp_path)


def test_dictionary_columns_and_null_images(tmp_path: Path, draw: Callable[..., bytes]) -> None:
    images = pa.array([{"bytes": draw(number)} for number in range(40)])
    labels = pa.array(["a", "b"] * 20).dictionary_encode()
    parquet.write_table(pa.table({"image": images, "label": labels}), tmp_path / "file")
    description = install("mine", tmp_path / "file", tmp_path)
    assert (description.classes, description.train_samples) == (("a", "b"), 35)
    images = pa.array([{"bytes": draw(0)}, None])
    parquet.write_table(pa.table({"image": images, "label": ["a", "b"]}), tmp_path / "file")
    with pytest.raises(DatasetError, match="row 1 has no image of bytes"):
        install("other", tmp_path / "file", tmp_path)


def test_class_names_in_metadata_are_used(tmp_path: Path, draw: Callable[..., bytes]) -> None:
    features = {"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}}
    table = pa.table({"image": [draw(0), draw(1)] * 10, "label": [0, 1] * 10})
    parquet.write_table(table.replace_schema_metadata({b"huggingface": json.dumps(features)}), tmp_path / "file")
    assert install("mine", tmp_path / "file", tmp_path).classes == ("no", "yes")
