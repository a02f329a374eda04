"""Data sets that people upload and delete: a zip of class folders, or a Parquet file; kept in the schema of the hub's
MNIST.

Every picture is read with the limits of `core.data.images` and becomes a grey PNG of 28x28; nothing else is kept.
"""

import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image

from dualtrain.core.data.cache import MAX_CLASSES, forget
from dualtrain.core.data.images import PLAIN, ImageError, prepare
from dualtrain.core.data.labeled_images import MAX_SAMPLES, TEST_EVERY, DatasetError, LabeledImage
from dualtrain.core.data.parquet_files import read_parquet
from dualtrain.core.data.sources import (
    BUNDLED,
    NAME,
    PREPROCESSING,
    SPLITS,
    Description,
    UnknownDataset,
    describe,
    folder_of,
)
from dualtrain.core.data.zip_files import read_zip

ROWS_AT_ONCE = 1000
UNNAMED = ".upload-"
"""How the name of a folder begins that is not a data set yet, or no longer."""
ABANDONED_SECONDS = 24 * 3600.0
"""Such a folder that is so old belongs to a process that was killed."""
ADVICE = {"train": "not all may be marked as test", "test": f"give a class {TEST_EVERY} or more, or mark some as test"}
"""What to do about a split without samples."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class _Split:
    """A Parquet file that is being written."""

    writer: parquet.ParquetWriter
    images: list[bytes]
    labels: list[int]

    def add(self, image: bytes, label: int) -> None:
        self.images.append(image)
        self.labels.append(label)
        if len(self.images) == ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        cells = [{"bytes": image, "path": None} for image in self.images]
        schema = self.writer.schema
        self.writer.write_table(pa.table({"image": cells, "label": self.labels}, schema=schema))
        self.images.clear()
        self.labels.clear()


def install(
    name: str, file: Path, data_dir: Path, progress: Progress | None = None, preprocessing: str = PLAIN
) -> Description:
    """Make `file` the data set `name`, whole or not at all; `progress` is called with the number of samples read.

    With the preprocessing `mnist` every picture is brought to MNIST's form; else it becomes grey, 28x28. Pictures that
    are sent for prediction are prepared alike.

    Raises DatasetError when the name or the file cannot be taken, FileExistsError when there is such a data set.
    """
    if not NAME.fullmatch(name):
        raise DatasetError("bad_name", "a name has up to 64 of a-z 0-9 . _ - and begins with one of the former")
    if folder_of(name, data_dir) is not None:
        raise FileExistsError(f"there is a data set {name!r} already; jobs may train on it, so choose another name")
    classes, samples = _opened(file)
    target = data_dir / "datasets" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=UNNAMED, ignore_cleanup_errors=True) as temporary:
        counts = _write(Path(temporary), classes, samples, progress or (lambda done: None), preprocessing)
        _check_counts(counts)
        _move(Path(temporary), target)
    return describe(name, data_dir)


def remove(name: str, data_dir: Path) -> None:
    """Delete an uploaded data set; a process that has it open keeps it until it is done.

    Raises UnknownDataset when there is none, or when it was not uploaded.
    """
    folder = uploaded(name, data_dir)
    if folder is None:
        raise UnknownDataset(f"there is no uploaded data set {name!r}")
    forget(name, folder, data_dir)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=UNNAMED, ignore_cleanup_errors=True) as temporary:
        folder.rename(Path(temporary) / name)  # in one step: nobody sees half of it


def uploaded(name: str, data_dir: Path) -> Path | None:
    """Return where an uploaded data set lies, None when there is none."""
    folder = folder_of(name, data_dir)
    return None if folder == BUNDLED else folder


def _sweep(folder: Path) -> None:
    """Remove what uploads left here whose process was killed."""
    for path in folder.glob(f"{UNNAMED}*"):
        with suppress(FileNotFoundError):  # another process sweeps as well
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path)


def _opened(file: Path) -> tuple[tuple[str, ...], Iterator[LabeledImage]]:
    with file.open("rb") as start:
        magic = start.read(4)
    readers = {b"PK\x03\x04": read_zip, b"PAR1": read_parquet}
    if magic not in readers:
        raise DatasetError("unknown_format", "this is neither a zip archive nor a Parquet file")
    classes, samples = readers[magic](file)
    if not 2 <= len(classes) <= MAX_CLASSES:
        message = f"the file has {len(classes)} classes with images (folders CLASS/FILE of a zip)"
        raise DatasetError("class_count", f"{message}; 2 to {MAX_CLASSES} are allowed")
    return classes, samples


def _write(
    folder: Path, classes: tuple[str, ...], samples: Iterator[LabeledImage], progress: Progress, preprocessing: str
) -> dict[str, int]:
    counts = dict.fromkeys(SPLITS, 0)
    schema = _schema(classes, preprocessing)
    splits = {name: _Split(parquet.ParquetWriter(folder / f"{name}.parquet", schema), [], []) for name in SPLITS}
    try:
        for number, sample in enumerate(samples):
            if number == MAX_SAMPLES:
                raise DatasetError("too_many_samples", f"at most {MAX_SAMPLES:,} samples are accepted")
            splits[sample.split].add(_picture(sample, preprocessing), sample.label)
            counts[sample.split] += 1
            if number % ROWS_AT_ONCE == 0:
                progress(number)
        for split in splits.values():
            split.flush()
    finally:
        for name, split in splits.items():
            split.writer.close()
            (folder / f"{name}.parquet").chmod(0o600)
    return counts


def _picture(sample: LabeledImage, preprocessing: str) -> bytes:
    try:
        pixels = prepare(sample.image, preprocessing)
    except ImageError as error:
        raise DatasetError(error.code, f"{sample.name}: {error}") from error
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _schema(classes: tuple[str, ...], preprocessing: str) -> pa.Schema:
    import datasets  # takes 0.7 s to import

    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(classes))})
    schema = features.arrow_schema
    return schema.with_metadata({**(schema.metadata or {}), PREPROCESSING: preprocessing.encode()})


def _check_counts(counts: dict[str, int]) -> None:
    for split, count in counts.items():
        if not count:
            raise DatasetError("empty_split", f"there are no samples to {split} with; {ADVICE[split]}")


def _move(folder: Path, target: Path) -> None:
    """Give a finished folder its name; a data set that came there first stays."""
    try:
        os.rename(folder, target)
    except OSError as error:
        raise FileExistsError(f"a data set {target.name!r} was uploaded meanwhile; choose another name") from error
