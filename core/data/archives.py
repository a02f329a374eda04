"""What an uploaded file holds, sample by sample, without ever unpacking it: zip archives and Parquet files."""

import lzma
import mmap
import random
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from dualtrain.core.data.images import MAX_BYTES
from dualtrain.core.data.sources import SPLITS, named_classes

MAX_SAMPLES = 200_000
MAX_NAME = 100
TEST_EVERY = 7
"""Where an upload has no test split, each seventh sample becomes one, as one seventh of MNIST is."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Other files of an archive, such as a README, are passed over."""
THRIFT_BYTES = 16 << 20
BROKEN = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
)
"""What the ways to pack a member of an archive raise when it is damaged."""
ROWS_AT_ONCE = 16
"""A hostile file may repeat one large value in every row; so many of them fit into memory."""


class DatasetError(ValueError):
    """An upload that cannot be taken; `code` is for programs and stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Labelled:
    """One sample: an image file, its class, and what to call it in an error."""

    image: bytes
    label: int
    split: str
    name: str


SPLIT_FOLDERS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
OTHER_SPLITS = frozenset({"val", "valid", "validation", "dev", "eval"})
"""Folders whose samples would go unnoticed into the wrong split."""

Content = tuple[tuple[str, ...], Iterator[Labelled]]
"""The classes, and the samples of a file."""


def from_zip(path: Path) -> Content:
    """Read `[train/ or test/]CLASS/FILE` from a zip archive, the classes mixed. Raises DatasetError."""
    _check_entries(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DatasetError("broken_file", f"the archive cannot be read: {error}") from error
    members = [member for member in archive.infolist() if _is_sample(member.filename)]
    classes = _ordered({PurePosixPath(member.filename).parts[-2] for member in members})
    random.Random(0).shuffle(members)
    return classes, _members(archive, members, classes)


def from_parquet(path: Path) -> Content:
    """Read the columns `image` (bytes, or a struct with `bytes`), `label`, and `split` if there is one.

    Raises DatasetError.
    """
    try:
        limits = {"thrift_string_size_limit": THRIFT_BYTES, "thrift_container_size_limit": THRIFT_BYTES}
        file = parquet.ParquetFile(path, **limits)
        if file.metadata.num_rows > MAX_SAMPLES:
            raise DatasetError("too_many_samples", f"at most {MAX_SAMPLES:,} samples are taken")
        if missing := {"image", "label"} - set(file.schema_arrow.names):
            raise DatasetError(
                "missing_column",
                f"the file needs the columns `image` and `label`; it lacks {' and '.join(sorted(missing))}",
            )
        names = _names(named_classes(file.schema_arrow))
        classes = names or _ordered({_named(row, value) for row, value in enumerate(_column(file, "label"))})
        return classes, _rows(file, names, {name: at for at, name in enumerate(classes)})
    except DatasetError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:  # the latter for texts that are not UTF-8
        raise DatasetError("broken_file", f"the file cannot be read: {error}") from error


def _check_entries(path: Path) -> None:
    """Count the entries of an archive before they are all taken into memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        entries = re.finditer(rb"PK\x01\x02", content)
        if sum(1 for _ in islice(entries, 2 * MAX_SAMPLES + 1)) > 2 * MAX_SAMPLES:
            raise DatasetError("too_many_samples", f"at most {MAX_SAMPLES:,} samples are taken")


def _is_sample(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return len(parts) >= 2 and name.lower().endswith(SUFFIXES) and not hidden


def _members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], classes: tuple[str, ...]) -> Iterator[Labelled]:
    places = [PurePosixPath(member.filename).parts for member in members]
    told = [_told_split(place) for place in places]
    seen: Counter[str] = Counter()
    for member, place, split in zip(members, places, told, strict=True):
        seen[place[-2]] += 1
        chosen = split or "train" if "test" in told else _split(seen[place[-2]])
        yield Labelled(_content(archive, member), classes.index(place[-2]), chosen, member.filename[:MAX_NAME])


def _told_split(place: tuple[str, ...]) -> str | None:
    """The split that the folder above a sample's class names, None where it names none."""
    above = place[-3].lower() if len(place) > 2 else ""
    if above in OTHER_SPLITS:
        found = f"{'/'.join(place)[:MAX_NAME]} is in the folder {place[-3]!r}"
        raise DatasetError("bad_split", f"{found}; use train or test, and a job's validation_limit")
    return SPLIT_FOLDERS.get(above)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return file.read(MAX_BYTES + 1)  # what is longer is refused as a picture
    except BROKEN as error:
        raise DatasetError("broken_file", f"{member.filename[:MAX_NAME]}: {error}") from error


def _column(file: Any, name: str) -> Iterator[Any]:
    for batch in file.iter_batches(ROWS_AT_ONCE, columns=[name]):
        yield from batch.column(0).to_pylist()


def _named(row: int, label: Any) -> str:
    if label is None or label != label:
        raise DatasetError("bad_row", f"row {row} has the label {label}, which is no class")
    return str(label)


def _rows(file: Any, names: tuple[str, ...], places: dict[str, int]) -> Iterator[Labelled]:
    columns = ["image", "label", *(["split"] if "split" in file.schema_arrow.names else [])]
    try:
        for number, row in enumerate(_each(file.iter_batches(ROWS_AT_ONCE, columns=columns))):
            image = row["image"]["bytes"] if isinstance(row["image"], dict) else row["image"]
            label = row["label"] if names else places[str(row["label"])]
            if not isinstance(image, bytes) or not isinstance(label, int) or not 0 <= label < len(places):
                raise DatasetError("bad_row", f"row {number} has no image of bytes or no label of a class")
            split = row.get("split", _split(number + 1))
            if split not in SPLITS:
                raise DatasetError("bad_row", f"row {number} has split {str(split)[:MAX_NAME]!r}; use train or test")
            yield Labelled(image, label, split, f"row {number}")
    except DatasetError:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DatasetError("broken_file", f"the file cannot be read: {error}") from error


def _each(batches: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _split(number: int) -> str:
    return "test" if number % TEST_EVERY == 0 else "train"


def _ordered(names: set[str]) -> tuple[str, ...]:
    """Return class names in order, numbers by their value."""
    return tuple(sorted(_names(tuple(names)), key=_place))


def _place(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), len(name) if name.isdecimal() else 0, name


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that can be those of classes. Raises DatasetError."""
    if wrong := [name for name in names if len(name) > MAX_NAME or not name.isprintable()]:
        raise DatasetError(
            "bad_class",
            f"{wrong[0][:MAX_NAME]!r} cannot be the name of a class: at most {MAX_NAME} characters, all printable",
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DatasetError("bad_class", f"{twice[0]!r} is the name of several classes")
    return names
