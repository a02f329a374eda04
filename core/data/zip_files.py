"""Zip archives of class folders, read member by member without unpacking them to disk."""

import lzma
import mmap
import random
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dualtrain.core.data.images import MAX_BYTES
from dualtrain.core.data.labeled_images import (
    MAX_NAME,
    MAX_SAMPLES,
    Content,
    DatasetError,
    LabeledImage,
    default_split,
    ordered_classes,
)

MAX_ENTRIES = 2 * MAX_SAMPLES
"""macOS adds a hidden entry for every file."""
MAX_PATH = 1000
"""Characters of a member's path; a longer one could have thousands of folders."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Image files; an archive's other files, such as a README, are skipped."""
SPLIT_FOLDERS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
UNSUPPORTED_SPLITS = frozenset({"val", "valid", "validation", "dev", "eval"})
"""Folders that name a split which data sets here do not have."""
_ENTRY_SIGNATURE = b"PK\x01\x02"
_DAMAGED = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
)
"""Exceptions that the decompressors raise for a damaged member."""


@dataclass(frozen=True)
class _Member:
    """An image file of the archive. `split` is None when no folder names one."""

    info: zipfile.ZipInfo
    label: str
    split: str | None

    @property
    def name(self) -> str:
        """The path, shortened for errors."""
        return self.info.filename[:MAX_NAME]


def read_zip(path: Path) -> Content:
    """Return classes and samples of `[train/ or test/]CLASS/FILE` in a zip archive, shuffled. Raises DatasetError."""
    _check_entry_count(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DatasetError("broken_file", f"the archive cannot be read: {error}") from error
    members = [_member(info) for info in archive.infolist() if _is_sample(info.filename)]
    if not members:
        raise _no_images(archive)
    classes = ordered_classes({member.label for member in members})
    random.Random(0).shuffle(members)
    return classes, _samples(archive, members, classes)


def _check_entry_count(path: Path) -> None:
    """Count the archive's entries before `zipfile` makes an object of each. Raises DatasetError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = content.find(_ENTRY_SIGNATURE)
        count = 0
        while position >= 0:
            count += 1
            if count > MAX_ENTRIES:
                raise DatasetError("too_many_samples", f"at most {MAX_SAMPLES:,} samples are accepted")
            position = content.find(_ENTRY_SIGNATURE, position + len(_ENTRY_SIGNATURE))


def _no_images(archive: zipfile.ZipFile) -> DatasetError:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    suffixes = Counter(PurePosixPath(name[-MAX_NAME:]).suffix or "no suffix" for name in names).most_common(3)
    files = ", ".join(f"{count} with {suffix}" for suffix, count in suffixes) or "none"
    expected = f"an archive holds image files ({', '.join(SUFFIXES)}) as CLASS/FILE"
    return DatasetError("class_count", f"{expected}; in this one there are 0. Its files: {files}")


def _is_sample(path: str) -> bool:
    if len(path) > MAX_PATH or not path.lower().endswith(SUFFIXES):
        return False
    parts = _parts(path)
    return len(parts) >= 2 and not any(part.startswith((".", "__MACOSX")) for part in parts)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _member(info: zipfile.ZipInfo) -> _Member:
    folders = _parts(info.filename)[:-1]
    return _Member(info, folders[-1], _folder_split(info.filename, folders[:-1]))


def _folder_split(path: str, parents: Sequence[str]) -> str | None:
    """Return the split that the folder above the class folder names, if any. Raises DatasetError."""
    parent = parents[-1] if parents else ""
    if parent.lower() in UNSUPPORTED_SPLITS:
        place = f"{path[:MAX_NAME]} is in the folder {parent[:MAX_NAME]!r}"
        raise DatasetError("bad_split", f"{place}; name it train or test, and use a job's validation_limit")
    return SPLIT_FOLDERS.get(parent.lower())


def _samples(archive: zipfile.ZipFile, members: Sequence[_Member], classes: Sequence[str]) -> Iterator[LabeledImage]:
    indices = {name: index for index, name in enumerate(classes)}
    has_test = any(member.split == "test" for member in members)
    numbers: Counter[str] = Counter()
    for member in members:
        numbers[member.label] += 1
        split = "train" if has_test else default_split(numbers[member.label])
        yield LabeledImage(_content(archive, member), indices[member.label], member.split or split, member.name)


def _content(archive: zipfile.ZipFile, member: _Member) -> bytes:
    try:
        with archive.open(member.info) as file:
            return file.read(MAX_BYTES + 1)  # the image decoder refuses a longer one
    except _DAMAGED as error:
        raise DatasetError("broken_file", f"{member.name}: {error}") from error
