"""Layers that the operator installs: Python callables found by name among the entry points `dualtrain.layers`.

A custom layer is a callable `(parameters, inputs, **options) -> outputs` with `parameters` `(size,)`, `inputs`
`(N, fan_in)` and `outputs` `(N, units)`. Only its values are used: it may round, sort, look up, or ask a machine.
It may have the attributes `units` and `size`, functions `(fan_in, **options)`; without them it has as many outputs as
inputs and no parameters.

With the attribute `differentiable = True` it is NumPy code that takes duals. Its inputs then are `(N, *shape)`, `units`
and `size` are functions `(shape, **options)`, and `units` may return a shape.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias

import numpy as np

from dualtrain.core.nn.tensor import Array

CustomLayer: TypeAlias = Callable[[Array, Array], Array]
GROUP = "dualtrain.layers"
LEVELS = 16


def quantize(parameters: Array, inputs: Array) -> Array:
    """The inputs rounded to multiples of 1/`LEVELS`: its derivative is 0 wherever there is one."""
    return np.round(inputs * LEVELS) / LEVELS


BUILT_IN: dict[str, CustomLayer] = {"quantize": quantize}


@cache
def find(name: str) -> CustomLayer:
    """The custom layer of this name; a ValueError when it cannot be loaded, or that lists the known names."""
    installed: dict[str, Any] = {point.name: point for point in entry_points(group=GROUP)}
    if name in installed:
        return _loaded(installed[name])
    if name in BUILT_IN:
        return BUILT_IN[name]
    known = ", ".join(sorted({*installed, *BUILT_IN}))
    raise ValueError(f"no layer {name!r} is installed under the entry points {GROUP!r}; there are: {known}")


def _loaded(point: EntryPoint) -> CustomLayer:
    try:
        return point.load()  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise ValueError(f"layer {point.name!r} cannot be loaded from {point.value!r}: {error}") from error
