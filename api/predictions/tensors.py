"""Data of the Open Inference Protocol as arrays: numbers in JSON, or bytes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.api.predictions.errors import ProtocolError

DATATYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "FP64": np.dtype("<f8"), "UINT8": np.dtype("u1")}
"""Accepted inputs. Floats are pixels from 0 to 1, UINT8 pixels from 0 to 255."""


def from_binary(content: bytes, size: Any, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """Return `count` numbers from little-endian bytes, whose length the request gives as `size`.

    Raises ProtocolError.
    """
    expected = count * dtype.itemsize
    if type(size) is not int or not size == len(content) == expected:
        raise ProtocolError(f"binary_data_size is {size} and {len(content)} bytes came; the shape needs {expected}")
    return np.frombuffer(content, dtype)


def from_list(data: Sequence[Any], dtype: np.dtype[Any], count: int, bools: bool) -> NDArray[Any]:
    """Return `count` numbers from a list, flat or nested row after row. `bools`: whether `true` may be among them.

    Raises ProtocolError.
    """
    if bools and bool in set(map(type, _flat(data))):
        raise ProtocolError("the data must be numbers; `true` and `false` are none")
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise ProtocolError(f"the data are no tensor: {error}") from None
    if values.dtype.kind not in "iuf":
        raise ProtocolError("the data must be numbers, flat or nested row after row")
    if values.size != count:
        raise ProtocolError(f"the data have {values.size} numbers; the shape needs {count}")
    if dtype.kind == "u" and not _are_bytes(values):
        raise ProtocolError("UINT8 data are whole numbers from 0 to 255")
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _flat(data: Iterable[Any]) -> Iterator[Any]:
    for item in data:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _are_bytes(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" and bool(values.min() >= 0 and values.max() <= 255)
