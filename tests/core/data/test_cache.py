"""Prepared once per host, however many processes ask; complete whenever it is there."""

import multiprocessing
import os
import shutil
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from dualtrain.core.data import load
from dualtrain.core.data.cache import ARRAYS


def sha256(data_dir: Path) -> str:
    return load("small", 12, data_dir, ()).sha256


@pytest.fixture
def small(tmp_path: Path, write_split: object) -> Path:
    folder = tmp_path / "datasets" / "small"
    folder.mkdir(parents=True)
    for split, count in (("train", 40), ("test", 10)):
        write_split(folder / f"{split}.parquet", count)  # type: ignore[operator]
    return tmp_path


def test_the_arrays_are_mapped_and_small(data_dir: Path) -> None:
    data = load("mnist", 12, data_dir, ())
    for name in ARRAYS:
        array = getattr(data, name)
        assert isinstance(array.base, np.memmap)
        assert array.dtype == np.uint8
        assert not array.flags.writeable
    assert data.train_images.shape == (60_000, 144)


def test_many_processes_prepare_it_once(small: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        digests = pool.map(sha256, [small] * 2)
    assert len(set(digests)) == 1
    folders = [path for path in (small / "cache").iterdir() if path.is_dir()]
    assert sorted(path.name.split("-")[1] for path in folders) == ["12", "28"]


def test_the_digest_is_that_of_the_content(small: Path) -> None:
    before = sha256(small)
    shutil.rmtree(small / "cache")
    assert sha256(small) == before
    assert load("small", 13, small, ()).sha256 != before


def test_other_files_are_prepared_anew(small: Path, write_split: object) -> None:
    before = sha256(small)
    write_split(small / "datasets" / "small" / "train.parquet", 41)  # type: ignore[operator]
    assert sha256(small) != before
    assert len(load("small", 12, small, ()).train_labels) == 41


def test_progress_is_told(small: Path) -> None:
    told: list[tuple[int, int]] = []
    load("small", 12, small, (), lambda done, total: told.append((done, total)))
    assert told[-1] == (50, 50)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_failed_preparation_leaves_nothing(small: Path) -> None:
    (small / "datasets" / "small" / "test.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(ValueError, match="'small'"):
        sha256(small)
    assert [path for path in (small / "cache").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("label", [-1, 2])
def test_a_sample_of_no_class_is_refused_and_not_taken_for_another(small: Path, label: int) -> None:
    path = small / "datasets" / "small" / "test.parquet"
    table = parquet.read_table(path)
    labels = pa.array([0] * (len(table) - 1) + [label], pa.int64())
    parquet.write_table(table.set_column(1, table.schema.field("label"), labels), path)
    with pytest.raises(ValueError, match=f"'small' has a sample of class {label}; it has 2"):
        load("small", 12, small, ())


def test_more_classes_than_a_byte_tells_are_refused(small: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(num_classes=300)})
    for split in ("train", "test"):
        path = small / "datasets" / "small" / f"{split}.parquet"
        cells = parquet.read_table(path).column("image")
        labels = pa.array([256] * len(cells), pa.int64())
        parquet.write_table(pa.table([cells, labels], schema=features.arrow_schema), path)
    with pytest.raises(ValueError, match="of class 256; it has 300, and 0 to 255 can be kept"):
        load("small", 12, small, ())


def prepared(data_dir: Path, size: int) -> Path:
    """The prepared directory of the small data set at a size."""
    (place,) = (data_dir / "cache").glob(f"small-{size}-*/")
    return place


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes(len(data) - 200))


DAMAGES = {
    "no facts": lambda place: (place / "facts.json").write_text(""),
    "half the facts": lambda place: truncate(place / "facts.json"),
    "half an array": lambda place: truncate(place / "train_images.npy"),
    "an array missing": lambda place: (place / "test_labels.npy").unlink(),
    "zeros": lambda place: zero(place / "train_images.npy"),
    "an empty directory": lambda place: [path.unlink() for path in place.iterdir()],
}


@pytest.mark.parametrize("size", [12, 28])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_directory_is_made_again(small: Path, damage: str, size: int) -> None:
    """It failed every job from then on, or passed other bytes off under the digest of the right ones."""
    before = load("small", 12, small, ())
    images = before.train_images.copy()
    DAMAGES[damage](prepared(small, size))
    if size == 28:
        shutil.rmtree(prepared(small, 12))
    again = load("small", 12, small, ())
    assert again.sha256 == before.sha256
    assert np.array_equal(again.train_images, images)


def test_what_a_killed_process_was_writing_is_removed(small: Path) -> None:
    cache = small / "cache"
    dead, alive = cache / ".preparing-999999999-x", cache / f".preparing-{os.getpid()}-x"
    for folder in (dead, alive):
        folder.mkdir(parents=True)
    sha256(small)
    assert not dead.exists()
    assert alive.exists()
