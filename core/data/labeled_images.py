"""Labeled images of an uploaded file, and the rules for its classes and splits that zip and Parquet share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

MAX_SAMPLES = 200_000
MAX_NAME = 100
"""Characters of a class name, and of a file name in an error."""
TEST_EVERY = 7
"""Without a test split in the upload, every seventh sample of a class (of the file for Parquet) is a test sample."""


class DatasetError(ValueError):
    """An upload is refused. `code` is stable and meant for programs; the text is meant for the person uploading."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class LabeledImage:
    """One sample: the bytes of an image file, the index of its class, its split, and its name in errors."""

    image: bytes
    label: int
    split: str
    name: str


Content = tuple[tuple[str, ...], Iterator[LabeledImage]]
"""Class names in order, and the samples of a file."""


def default_split(number: int) -> str:
    """Return the split of sample `number`, counted from 1, of a file without a test split."""
    return "test" if number % TEST_EVERY == 0 else "train"


def ordered_classes(names: set[str]) -> tuple[str, ...]:
    """Return class names sorted: numbers by value, then the other names. Raises DatasetError."""
    return tuple(sorted(checked_classes(tuple(names)), key=_sort_key))


def checked_classes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return `names` unchanged. Raises DatasetError for a name that is too long, not printable or there twice."""
    invalid = [name for name in names if len(name) > MAX_NAME or not name.isprintable()]
    if invalid:
        rule = f"a class name has at most {MAX_NAME} characters, all printable"
        raise DatasetError("bad_class", f"{invalid[0][:MAX_NAME]!r} cannot be a class name: {rule}")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DatasetError("bad_class", f"{repeated[0]!r} is the name of several classes; class names must differ")
    return names


def _sort_key(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), len(name) if name.isdecimal() else 0, name
