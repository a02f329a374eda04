"""Rules of np.linspace and its kin: numbers from one end to another."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor
from dualtrain.core.dual.rules.combinators import Handler, of_arrays, typed


def linspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, *,
    axis: int = 0,
) -> Any:  # fmt: skip
    way = stop - start
    parts, step = np.linspace(0.0, 1.0, num, endpoint, retstep=True)
    found = typed(np.moveaxis(start + lifted(parts, way) * way, 0, axis), dtype)
    return (found, step * way) if retstep else found


def lifted(parts: Any, way: Tensor) -> Any:
    """Numbers in the type of `way`, along an axis before all of its axes."""
    return np.reshape(np.asarray(parts, way.dtype), (-1,) + (1,) * np.ndim(way))


def logspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, base: Tensor = 10.0, dtype: Any = None, *,
    axis: int = 0,
) -> Tensor:  # fmt: skip
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return typed(np.power(base, np.linspace(start, stop, num, endpoint, axis=axis)), dtype)


def geomspace(
    start: Tensor, stop: Tensor, num: int = 50, endpoint: bool = True, dtype: Any = None, *, axis: int = 0
) -> Tensor:
    """Powers of `stop / start`, so that both may be negative."""
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise ValueError("a geometric sequence cannot include 0")
    ratio = typed(stop / start, np.result_type(stop, start, np.empty(0, dtype)))
    found = start * np.power(ratio, lifted(np.linspace(0.0, 1.0, num, endpoint), ratio))
    return typed(np.moveaxis(found, 0, axis), dtype)


RULES: dict[Any, Handler] = {
    np.linspace: linspace,
    np.logspace: logspace,
    np.geomspace: of_arrays(geomspace),
}
