"""Parquet files of labeled images, read in small batches.

Parquet stores a repeated value once and compresses it, so a file of some kilobytes can hold gigabytes. Columns are read
as dictionaries: a batch holds every distinct value once, and its length is checked before it becomes Python objects.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.parquet as parquet
import pyarrow.types as types

from dualtrain.core.data.images import MAX_BYTES
from dualtrain.core.data.labeled_images import (
    MAX_NAME,
    MAX_SAMPLES,
    Content,
    DatasetError,
    LabeledImage,
    checked_classes,
    default_split,
    ordered_classes,
)
from dualtrain.core.data.sources import SPLITS, named_classes

MAX_COLUMN_BYTES = 256 << 20
"""Uncompressed bytes of one column in one row group: the largest upload without compression."""
MAX_LABEL_BYTES = 4 * MAX_NAME
BATCH_ROWS = 16
"""Rows in memory at once; every one of them may hold an image of `MAX_BYTES`."""
BUFFER_BYTES = 1 << 20
_THRIFT_BYTES = 16 << 20
_TEXT = (types.is_string, types.is_large_string)
_BYTES = (types.is_binary, types.is_large_binary)
_NUMBERS = (types.is_integer, types.is_floating, types.is_boolean)


@dataclass(frozen=True)
class _Column:
    """A column that is read. `path` names its leaf; `most_bytes` bounds one value."""

    name: str
    path: str
    most_bytes: int


def read_parquet(path: Path) -> Content:
    """Return classes and samples of the columns `image` (bytes, or a struct with `bytes`), `label` and maybe `split`.

    Raises DatasetError.
    """
    try:
        columns = _columns(_open(path, ()).schema_arrow)
        file = _open(path, tuple(column.path for column in columns))
        _check_sizes(file.metadata, columns)
        names = checked_classes(named_classes(file.schema_arrow))
        classes = names or ordered_classes(_label_names(file, columns))
        return classes, _samples(file, columns, bool(names), {name: index for index, name in enumerate(classes)})
    except DatasetError:
        raise
    except RecursionError as error:
        raise DatasetError("broken_file", "the file's metadata is nested too deeply to be read") from error
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: text that is not UTF-8
        raise DatasetError("broken_file", f"the file cannot be read: {error}") from error


def _open(path: Path, dictionaries: tuple[str, ...]) -> Any:
    return parquet.ParquetFile(
        path,
        read_dictionary=list(dictionaries),
        buffer_size=BUFFER_BYTES,
        thrift_string_size_limit=_THRIFT_BYTES,
        thrift_container_size_limit=_THRIFT_BYTES,
    )


def _columns(schema: pa.Schema) -> tuple[_Column, ...]:
    """Return the columns to read. Raises DatasetError for one that is missing or of another type."""
    missing = {"image", "label"} - set(schema.names)
    if missing:
        need = "the file needs the columns `image` and `label`"
        raise DatasetError("missing_column", f"{need}; it lacks {' and '.join(sorted(missing))}")
    image = schema.field("image").type
    in_struct = types.is_struct(image) and image.get_field_index("bytes") >= 0
    path = "image.bytes" if in_struct else "image"
    _check_type(path, image.field("bytes").type if in_struct else image, _BYTES, "the bytes of image files")
    _check_type("label", schema.field("label").type, (*_NUMBERS, *_TEXT), "numbers or texts")
    columns = (_Column("image", path, MAX_BYTES), _Column("label", "label", MAX_LABEL_BYTES))
    if "split" not in schema.names:
        return columns
    _check_type("split", schema.field("split").type, _TEXT, "texts, train or test")
    return (*columns, _Column("split", "split", MAX_LABEL_BYTES))


def _check_type(path: str, dtype: pa.DataType, allowed: tuple[Any, ...], expected: str) -> None:
    value = dtype.value_type if types.is_dictionary(dtype) else dtype
    if not any(is_type(value) for is_type in allowed):
        raise DatasetError("bad_row", f"column `{path}` holds {str(dtype)[:MAX_NAME]}; it must hold {expected}")


def _check_sizes(metadata: Any, columns: tuple[_Column, ...]) -> None:
    """Refuse files whose columns would take too much memory once uncompressed. Raises DatasetError."""
    if metadata.num_rows > MAX_SAMPLES:
        raise DatasetError("too_many_samples", f"at most {MAX_SAMPLES:,} samples are accepted")
    paths = {column.path for column in columns}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            size = chunk.total_uncompressed_size
            if chunk.path_in_schema in paths and size > MAX_COLUMN_BYTES:
                limit = f"uncompressed; at most {MAX_COLUMN_BYTES:,} are accepted"
                message = f"column `{chunk.path_in_schema}` has {size:,} bytes in a row group, {limit}"
                raise DatasetError("file_too_large", f"{message}. Write the file with smaller row groups")


def _batches(file: Any, columns: tuple[_Column, ...]) -> Iterator[dict[str, list[Any]]]:
    """Yield batches of rows, by column name, after a check of the lengths of their values. Raises DatasetError."""
    row = 0
    for batch in file.iter_batches(BATCH_ROWS, columns=[column.path for column in columns]):
        arrays = {column.name: _leaf(batch.column(column.name)) for column in columns}
        for column in columns:
            _check_lengths(arrays[column.name], column, row)
        yield {name: array.to_pylist() for name, array in arrays.items()}
        row += batch.num_rows


def _leaf(array: Any) -> Any:
    """Return the bytes of a column of images, None where the struct around them is null."""
    return compute.struct_field(array, "bytes") if types.is_struct(array.type) else array


def _check_lengths(array: Any, column: _Column, row: int) -> None:
    values = array.dictionary if types.is_dictionary(array.type) else array
    if not any(is_type(values.type) for is_type in (*_BYTES, *_TEXT)):
        return
    longest = compute.max(compute.binary_length(values)).as_py() or 0
    if longest > column.most_bytes:
        code = "image_too_large" if column.name == "image" else "bad_row"
        limit = f"at most {column.most_bytes:,} are accepted"
        rows = f"rows {row} to {row + BATCH_ROWS - 1}"
        raise DatasetError(code, f"{rows}: a value of column `{column.path}` has {longest:,} bytes; {limit}")


def _label_names(file: Any, columns: tuple[_Column, ...]) -> set[str]:
    labels = tuple(column for column in columns if column.name == "label")
    names: set[str] = set()
    row = 0
    for batch in _batches(file, labels):
        for label in batch["label"]:
            names.add(_label_name(row, label))
            row += 1
    return names


def _label_name(row: int, label: Any) -> str:
    if label is None or label != label:
        raise DatasetError("bad_row", f"row {row} has the label {label}, which is no class")
    return str(label)


def _samples(
    file: Any, columns: tuple[_Column, ...], labels_are_indices: bool, indices: dict[str, int]
) -> Iterator[LabeledImage]:
    number = 0
    try:
        for batch in _batches(file, columns):
            splits = batch.get("split", [None] * len(batch["label"]))
            for image, label, split in zip(batch["image"], batch["label"], splits, strict=True):
                index = label if labels_are_indices else indices[str(label)]
                yield _sample(number, image, index, split if "split" in batch else default_split(number + 1), indices)
                number += 1
    except DatasetError:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DatasetError("broken_file", f"the file cannot be read: {error}") from error


def _sample(number: int, image: Any, label: Any, split: Any, indices: dict[str, int]) -> LabeledImage:
    if not isinstance(image, bytes) or not isinstance(label, int) or not 0 <= label < len(indices):
        raise DatasetError("bad_row", f"row {number} has no image of bytes or no label of a class")
    if split not in SPLITS:
        raise DatasetError("bad_row", f"row {number} has split {str(split)[:MAX_NAME]!r}; use train or test")
    return LabeledImage(image, label, split, f"row {number}")
