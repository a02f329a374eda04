"""np.vectorize, np.r_ and np.c_ of duals."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor
from dualtrain.core.dual.rules.creation import array, has_dual


class Vectorized:
    """`np.vectorize(function)`: the function of each element of arrays that are broadcast together.

    With a signature, or without a dual among arguments and results, it is NumPy's own.
    """

    def __init__(self, pyfunc: Callable[..., Any] | None = None, **options: Any) -> None:
        self.function = pyfunc
        self.options = options
        self.__doc__ = getattr(pyfunc, "__doc__", None)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if self.function is None:  # used as a decorator with options
            return Vectorized(*args, **self.options)
        arrays = np.broadcast_arrays(*(array(arg) if has_dual(arg) else np.asarray(arg) for arg in args))
        if self.options.get("signature") or self.options.get("excluded") or np.size(arrays[0]) == 0:
            return np.vectorize(self.function, **self.options)(*args, **keywords)
        results = [self.function(*(x[index] for x in arrays), **keywords) for index in np.ndindex(np.shape(arrays[0]))]
        shape = np.shape(arrays[0])
        if isinstance(results[0], tuple):
            return tuple(self._collected(list(column), shape) for column in zip(*results, strict=True))
        return self._collected(results, shape)

    def _collected(self, results: list[Any], shape: tuple[int, ...]) -> Tensor:
        otypes = self.options.get("otypes")
        dtype = None if otypes is None else np.dtype(otypes[0])
        if not any(isinstance(result, Dual) for result in results):
            return np.reshape(np.asarray(results, dtype or np.asarray(results[0]).dtype), shape)
        return np.reshape(array(results, dtype), shape)


class AxisJoiner:
    """`np.r_` or `np.c_`, among whose parts may be duals."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(has_dual(part) for part in parts):
            return self._plain[key]
        if any(isinstance(part, str) for part in parts):
            raise TypeError("r_ and c_ of duals take no text: join them with np.concatenate or np.stack")
        arrays = [np.r_[part] if isinstance(part, slice) else array(part) for part in parts]
        if self._plain is np.r_:
            return np.concatenate([np.atleast_1d(x) for x in arrays])
        columns = [np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in arrays]
        return np.concatenate(columns, axis=-1)
