"""Rules of np.linspace and its kin: numbers from one end to another."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor
from dualtrain.core.dual.rules.combinators import Handler, as_dtype, of_arrays


def _linspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, *,
    axis: int = 0,
) -> Any:  # fmt: skip
    way = stop - start
    parts, step = np.linspace(0.0, 1.0, num, endpoint, retstep=True)
    result = as_dtype(np.moveaxis(start + _along_new_axis(parts, way) * way, 0, axis), dtype)
    return (result, step * way) if retstep else result


def _along_new_axis(parts: Any, way: Tensor) -> Any:
    """Return numbers in the type of `way`, along an axis before all of its axes."""
    return np.reshape(np.asarray(parts, way.dtype), (-1,) + (1,) * np.ndim(way))


def _logspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, base: Tensor = 10.0, dtype: Any = None, *,
    axis: int = 0,
) -> Tensor:  # fmt: skip
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return as_dtype(np.power(base, np.linspace(start, stop, num, endpoint, axis=axis)), dtype)


def _geomspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, dtype: Any = None, *, axis: int = 0
) -> Tensor:
    """Return `start` times powers of `stop / start`, so that both may be negative."""
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise ValueError("a geometric sequence cannot include 0")
    ratio = as_dtype(stop / start, np.result_type(stop, start, np.empty(0, dtype)))
    result = start * np.power(ratio, _along_new_axis(np.linspace(0.0, 1.0, num, endpoint), ratio))
    return as_dtype(np.moveaxis(result, 0, axis), dtype)


RULES: dict[Any, Handler] = {
    np.linspace: _linspace,
    np.logspace: _logspace,
    np.geomspace: of_arrays(_geomspace),
}
