"""Uploads become data sets whole, or are refused with the reason."""

import io
import json
import math
import os
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from dualtrain.core.data import DatasetError, UnknownDataset, catalogue, install, load, remove
from dualtrain.core.data.images import MAX_BYTES

Draw = Callable[..., bytes]


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def table(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def test_class_folders(tmp_path: Path, draw: Draw) -> None:
    files = {f"digits/{label}/{i}.png": draw(10 * i + label) for label in (2, 10) for i in range(21)}
    extra = {"digits/README": b"", "__MACOSX/digits/2/._1.png": b"x", "digits/2/.hidden": b"x", "digits/empty/": b""}
    described = install("mine", zipped(tmp_path / "file", files | extra), tmp_path)
    assert described.classes == ("2", "10")
    assert (described.train_samples, described.test_samples) == (36, 6)
    assert catalogue(tmp_path, ()) == ("mnist", "mine")
    data = load("mine", 28, tmp_path, ())
    assert np.bincount(data.train_labels).tolist() == [18, 18]
    assert np.ptp(np.flatnonzero(np.diff(data.train_labels))) > 18  # the classes are mixed
    pixels = {row.tobytes() for row in (*data.train_images, *data.test_images)}
    assert len(pixels) == 42
    assert {path.name for path in (tmp_path / "datasets").iterdir()} == {"mine"}


def test_splits_of_the_archive_are_kept(tmp_path: Path, draw: Draw) -> None:
    files = {f"{split}/{label}/{i}.jpg": draw(i, 40, "JPEG") for split, n in (("train", 5), ("test", 2))
             for label in "ab" for i in range(n)}  # fmt: skip
    told: list[int] = []
    described = install("mine", zipped(tmp_path / "file", files), tmp_path, told.append)
    assert (described.classes, described.train_samples, described.test_samples) == (("a", "b"), 10, 4)
    assert told == [0]


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("training", "testing"), ("mine/train", "mine/TEST")])
def test_splits_may_be_called_otherwise(tmp_path: Path, draw: Draw, train: str, test: str) -> None:
    files = {f"{split}/{label}/{i}.png": draw(i) for split, n in ((train, 5), (test, 2)) for label in "ab"
             for i in range(n)}  # fmt: skip
    described = install("mine", zipped(tmp_path / "file", files), tmp_path)
    assert (described.train_samples, described.test_samples) == (10, 4)


def test_parquet_of_the_hub(tmp_path: Path, write_split: Callable[[Path, int], None], draw: Draw) -> None:
    write_split(tmp_path / "file", 50)
    described = install("mine", tmp_path / "file", tmp_path)
    assert (described.classes, described.train_samples, described.test_samples) == (("no", "yes"), 43, 7)
    data = load("mine", 28, tmp_path, ())
    assert data.train_labels[:6].tolist() == [0, 1, 0, 1, 0, 1]


def test_plain_parquet(tmp_path: Path, draw: Draw) -> None:
    images, labels = [draw(i) for i in range(4)], ["cat", "dog", "cat", "dog"]
    split = ["train", "train", "test", "test"]
    described = install("mine", table(tmp_path / "file", image=images, label=labels, split=split), tmp_path)
    assert (described.classes, described.train_samples, described.test_samples) == (("cat", "dog"), 2, 2)


def test_a_data_set_never_changes(tmp_path: Path, draw: Draw) -> None:
    file = zipped(tmp_path / "file", {f"{label}/{i}.png": draw(i) for label in "ab" for i in range(7)})
    install("mine", file, tmp_path)
    for name in ("mine", "mnist"):
        with pytest.raises(FileExistsError, match="choose another name"):
            install(name, file, tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "A", "x" * 65, "a\n"])
def test_names_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError) as refusal:
        install(name, tmp_path / "file", tmp_path)
    assert refusal.value.code == "bad_name"


def good(draw: Draw) -> dict[str, bytes]:
    return {f"{label}/{i}.png": draw(i) for label in "ab" for i in range(7)}


def nested() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(MAX_BYTES + 1))
    return file.getvalue()


ARCHIVES: dict[str, tuple[Callable[[Draw], dict[str, bytes]], str]] = {
    "one class": (lambda draw: {"a/1.png": draw(1)}, "class_count"),
    "no folders": (lambda draw: {"1.png": draw(1)}, "class_count"),
    "too many classes": (lambda draw: {f"{i}/1.png": draw(1) for i in range(257)}, "class_count"),
    "no test samples": (lambda draw: {"a/1.png": draw(1), "b/1.png": draw(1)}, "empty_split"),
    "only test samples": (lambda draw: {"test/a/1.png": draw(1), "test/b/1.png": draw(1)}, "empty_split"),
    "no picture": (lambda draw: good(draw) | {"a/x.png": b"hello"}, "unknown_image_format"),
    "an archive in it": (lambda draw: good(draw) | {"a/x.png": nested()}, "unknown_image_format"),
    "a bomb": (lambda draw: good(draw) | {"a/x.png": bytes(64 << 20)}, "image_too_large"),
    "a third split": (lambda draw: {f"Val/{name}": data for name, data in good(draw).items()}, "bad_split"),
    "a class that cannot be shown": (lambda draw: good(draw) | {"a\x07/x.png": draw(1)}, "bad_class"),
}


@pytest.mark.parametrize(("files", "code"), ARCHIVES.values(), ids=ARCHIVES)
def test_refused_archives(tmp_path: Path, draw: Draw, files: Callable[[Draw], dict[str, bytes]], code: str) -> None:
    with pytest.raises(DatasetError) as refusal:
        install("mine", zipped(tmp_path / "file", files(draw)), tmp_path)
    assert refusal.value.code == code
    assert catalogue(tmp_path, ()) == ("mnist",)
    assert not (tmp_path / "datasets").exists() or list((tmp_path / "datasets").iterdir()) == []


def test_what_to_do_about_too_few_pictures_is_said(tmp_path: Path, draw: Draw) -> None:
    few = zipped(tmp_path / "file", {f"{label}/{i}.png": draw(i) for label in "ab" for i in range(6)})
    with pytest.raises(DatasetError, match="no samples to test with; give a class 7 or more"):
        install("mine", few, tmp_path)


def test_a_name_does_not_leave_the_folder(tmp_path: Path, draw: Draw) -> None:
    files = good(draw) | {f"../../{label}/{i}.png": draw(i) for label in "ab" for i in range(7)}
    install("mine", zipped(tmp_path / "file", files), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["datasets", "file"]


def test_damaged_files(tmp_path: Path, draw: Draw, write_split: Callable[[Path, int], None]) -> None:
    generator = np.random.default_rng(0)
    archive = zipped(tmp_path / "zip", good(draw)).read_bytes()
    write_split(tmp_path / "parquet", 20)
    for content in (archive, (tmp_path / "parquet").read_bytes()):
        for number in range(30):
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[generator.integers(4, len(content), 20)] = generator.integers(0, 256, 20)
            (tmp_path / "file").write_bytes(damaged.tobytes() if number % 2 else content[: len(content) * number // 30])
            try:
                install(f"mine{number}", tmp_path / "file", tmp_path)
            except (DatasetError, FileExistsError):
                continue


NO_TEXTS = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"\xff\xfe")]
)
COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"image": [b"x"]}, "missing_column"),
    "no image": ({"label": [0]}, "missing_column"),
    "images are numbers": ({"image": [1, 2], "label": [0, 1]}, "bad_row"),
    "an image is missing": ({"image": [None, b"x"], "label": [0, 1]}, "bad_row"),
    "a label is missing": ({"image": [b"x", b"x"], "label": [0, None]}, "bad_row"),
    "a label is NaN": ({"image": [b"x", b"x"], "label": [0.0, math.nan]}, "bad_row"),
    "another split": ({"image": [b"x", b"x"], "label": [0, 1], "split": ["dev", "dev"]}, "bad_row"),
    "no picture": ({"image": [b"x", b"x"], "label": [0, 1]}, "unknown_image_format"),
    "texts that are none": ({"image": [b"x", b"x"], "label": NO_TEXTS}, "broken_file"),
    "one class": ({"image": [b"x", b"x"], "label": [0, 0]}, "class_count"),
    "too many rows": ({"image": [b""] * 200_001, "label": [0] * 200_001}, "too_many_samples"),
}


@pytest.mark.parametrize("names", [["a", "a"], ["a", "\x1b[2J"], ["a", "b" * 101]], ids=["twice", "control", "long"])
def test_class_names_of_the_hub_s_schema_are_checked_too(tmp_path: Path, draw: Draw, names: list[str]) -> None:
    told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    whole = pa.table({"image": [draw(0), draw(1)], "label": [0, 1]})
    parquet.write_table(whole.replace_schema_metadata({b"huggingface": json.dumps(told)}), tmp_path / "file")
    with pytest.raises(DatasetError) as refusal:
        install("mine", tmp_path / "file", tmp_path)
    assert refusal.value.code == "bad_class"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_named(tmp_path: Path, draw: Draw, method: int) -> None:
    file = tmp_path / "file"
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in good(draw).items():
            archive.writestr(name, content)
    content = bytearray(file.read_bytes())
    first = content.index(b"a/0.png") + len("a/0.png")
    content[first + 20 : first + 200] = bytes(180)
    file.write_bytes(content)
    with pytest.raises(DatasetError) as refusal:
        install("mine", file, tmp_path)
    assert refusal.value.code == "broken_file"


@pytest.mark.parametrize(("columns", "code"), COLUMNS.values(), ids=COLUMNS)
def test_refused_tables(tmp_path: Path, columns: dict[str, Any], code: str) -> None:
    with pytest.raises(DatasetError) as refusal:
        install("mine", table(tmp_path / "file", **columns), tmp_path)
    assert refusal.value.code == code


def two_classes(path: Path, draw: Draw, seed: int = 0) -> Path:
    return zipped(path, {f"{label}/{i}.png": draw(seed + i) for label in "ab" for i in range(7)})


def test_what_is_removed_leaves_nothing_and_its_name_is_free(tmp_path: Path, draw: Draw) -> None:
    first, second = (two_classes(tmp_path / name, draw, seed) for name, seed in (("first", 0), ("second", 100)))
    install("mine", first, tmp_path)
    install("mine-28", first, tmp_path)
    opened = load("mine", 12, tmp_path, ())
    before = opened.train_images.copy()
    kept = load("mine-28", 12, tmp_path, ()).sha256
    remove("mine", tmp_path)
    assert catalogue(tmp_path, ()) == ("mnist", "mine-28")
    assert {path.name for path in (tmp_path / "datasets").iterdir()} == {"mine-28"}
    assert {path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()} == {
        path.name for path in (tmp_path / "cache").glob("mine-28-[0-9]*-*") if path.is_dir()
    }
    assert np.array_equal(opened.train_images, before)
    install("mine", second, tmp_path)
    assert load("mine", 12, tmp_path, ()).sha256 != kept == load("mine-28", 12, tmp_path, ()).sha256


@pytest.mark.parametrize("name", ["mnist", "nothing", "..", "ylecun/mnist"])
def test_only_uploads_can_be_removed(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownDataset, match="no uploaded data set"):
        remove(name, tmp_path)


def test_what_killed_uploads_left_goes_with_the_next(tmp_path: Path, draw: Draw) -> None:
    folders = {name: tmp_path / "datasets" / name for name in (".upload-old", ".upload-new", ".of-the-operator")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    for name in (".upload-old", ".of-the-operator"):
        (folders[name] / "train.parquet").write_bytes(b"")
        os.utime(folders[name], (0, 0))
    install("mine", two_classes(tmp_path / "file", draw), tmp_path)
    assert {path.name for path in (tmp_path / "datasets").iterdir()} == {".upload-new", ".of-the-operator", "mine"}


def test_other_files(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"PK\x05\x06"):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(DatasetError) as refusal:
            install("mine", tmp_path / "file", tmp_path)
        assert refusal.value.code == "unknown_format"


def test_an_archive_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"PK\x03\x04" + b"PK\x01\x02" * 400_001)
    with pytest.raises(DatasetError) as refusal:
        install("mine", tmp_path / "file", tmp_path)
    assert refusal.value.code == "too_many_samples"


def test_paths_of_thousands_of_folders_cost_no_memory(tmp_path: Path, draw: Draw) -> None:
    deep = "a/" * 30_000
    file = zipped(tmp_path / "file", good(draw) | {f"{deep}{number}.png": b"" for number in range(100)})
    tracemalloc.start()
    description = install("mine", file, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert description.classes == ("a", "b")
    assert peak < 60 << 20


def test_an_archive_without_images_says_which_files_it_has(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"Its files: 30 with \.gif, 1 with \.txt"):
        install("mine", zipped(tmp_path / "file", {f"a/{i}.gif": b"" for i in range(30)} | {"x.txt": b""}), tmp_path)


def test_uploaded_data_are_private_to_the_user(tmp_path: Path, draw: Draw) -> None:
    before = os.umask(0o022)
    install("mine", two_classes(tmp_path / "file", draw), tmp_path)
    os.umask(before)
    folder = tmp_path / "datasets" / "mine"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
