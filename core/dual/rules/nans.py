"""Rules of the reductions that leave out NaN: they do so before the reduction."""

import warnings
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor
from dualtrain.core.dual.rules.combinators import Handler
from dualtrain.core.dual.rules.reductions import Axis


def _extremum_of_numbers(function: Handler, neutral: float) -> Handler:
    """Return the rule of np.nanmax or np.nanmin: NaN with a warning where there is no number."""

    def handle(
        x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Tensor:
        unknown = np.isnan(x)
        if initial is None:
            unknown &= ~np.all(unknown | np.logical_not(where), axis=axis, keepdims=True)
        result = function(np.where(unknown, neutral, x), axis=axis, keepdims=keepdims, initial=initial, where=where)
        if np.any(np.isnan(result)):
            warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
        return result

    return handle


def _without_nan(function: Handler, instead: float) -> Handler:
    """Return the function of the elements that are not NaN: `instead` changes nothing in it."""

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        return function(np.where(np.isnan(x), instead, x), *args, **options)

    return handle


def _where_number(function: Handler) -> Handler:
    """Return the function with `where=` leaving out NaN."""

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        known = ~np.isnan(x)
        return function(np.where(known, x, 0), *args, where=known & options.pop("where", True), **options)

    return handle


RULES: dict[Any, Handler] = {
    np.nansum: _without_nan(np.sum, 0),
    np.nanprod: _without_nan(np.prod, 1),
    np.nancumsum: _without_nan(np.cumsum, 0),
    np.nancumprod: _without_nan(np.cumprod, 1),
    np.nanmax: _extremum_of_numbers(np.max, -np.inf),
    np.nanmin: _extremum_of_numbers(np.min, np.inf),
    np.nanmean: _where_number(np.mean),
    np.nanvar: _where_number(np.var),
    np.nanstd: _where_number(np.std),
}
