"""Derivatives of functions: jvp, and transforms built on it."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import LEVELS, Dual, Tensor
from dualtrain.core.dual.structured import EntrySeed, Structure, UnitTangent
from dualtrain.core.dual.tensor import DualTensor, as_floating, value_and_tangent

_SEED_ELEMENTS = 2**22
_CHUNK = 256

_Function = Callable[..., Any]


def jvp(f: _Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of `f(*primals)` and its derivative along the tangents, as in JAX.

    A tangent has the shape of its primal, or direction axes more in front; the result's tangent is
    `(*directions, *value.shape)`, zeros where f does not depend on the primals. Results may be tuples, lists or
    dictionaries of arrays. TypeError for primals that are not a tuple or list and for results that are no numbers,
    ValueError for shapes that do not fit.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("jvp takes a tuple of primals and a tuple of tangents: jvp(f, (x,), (v,))")
    if len(primals) != len(tangents):
        raise ValueError(f"jvp got {len(primals)} primals and {len(tangents)} tangents")
    level = next(LEVELS)
    inputs = [_dual_argument(x, t, level) for x, t in zip(primals, tangents, strict=True)]
    axes = np.broadcast_shapes(*(_directions_of(x) for x in inputs))
    return _split(f(*inputs), level, axes)


def _dual_argument(x: Any, tangent: Any, level: int) -> DualTensor:
    """Return the primal with its tangent on the level; read-only, for f must not change its caller's arrays."""
    primal, tangent = value_and_tangent(x, tangent)
    result = object.__new__(DualTensor)
    if not isinstance(x, np.ndarray | Dual):
        primal = primal[()]  # numbers stay scalars, in which nothing can be written
    result.primal, result.stored_tangent, result.level = _read_only(primal), _read_only(tangent), level
    return result


def _read_only(x: Tensor) -> Tensor:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view


def _directions_of(x: DualTensor) -> tuple[int, ...]:
    if isinstance(x.stored_tangent, Structure):
        return x.stored_tangent.directions
    return x.stored_tangent.shape[: x.stored_tangent.ndim - x.ndim]  # type: ignore[no-any-return]


def _split(result: Any, level: int, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return value and tangent of a result, or of each part of it."""
    if isinstance(result, tuple | list):
        pairs = [_split(part, level, axes) for part in result]
        make = type(result)._make if hasattr(result, "_make") else type(result)
        return make(p[0] for p in pairs), make(p[1] for p in pairs)
    if isinstance(result, dict):
        parts = {name: _split(part, level, axes) for name, part in result.items()}
        return {n: p[0] for n, p in parts.items()}, {n: p[1] for n, p in parts.items()}
    if isinstance(result, Dual) and result.level == level:
        tangent = result.tangent
        shape = axes + result.shape
        return _as_scalar(result.primal), _as_scalar(
            tangent if tangent.shape == shape else np.broadcast_to(tangent, shape)
        )
    value = _constant(result)
    return _as_scalar(value), _as_scalar(np.zeros(axes + value.shape, value.dtype))


def _constant(result: Any) -> Tensor:
    try:
        return as_floating(result)
    except TypeError as error:
        kind = type(result).__name__
        raise TypeError(f"the function's result, of type {kind}, is no array of numbers: return one") from error


def _as_scalar(x: Tensor) -> Tensor:
    """Return a scalar instead of an array without axes."""
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x


def derivative(f: _Function, *, holomorphic: bool = False) -> _Function:
    """Return the derivative of a function of one number; its result may be an array.

    TypeError for a complex argument unless `holomorphic` says that f has a complex derivative.

    >>> float(derivative(lambda x: x**3)(2.0))
    12.0
    """

    def differentiated(x: Any) -> Any:
        if np.ndim(x) != 0:
            raise ValueError(
                f"derivative takes a number, not shape {np.shape(x)}; perhaps you meant gradient or jacobian"
            )
        _check_holomorphic(holomorphic, "derivative", x)
        slope = jvp(f, (x,), (np.ones((), _real_type(x)),))[1]
        _check_holomorphic(holomorphic, "derivative", slope, "results")
        return slope

    return differentiated


def _check_holomorphic(holomorphic: bool, name: str, x: Any, kind: str = "arguments") -> None:
    """Raise TypeError where complex numbers meet a transform of real functions, or real ones a complex one, as in JAX.

    Of a function without a complex derivative, such as |z|², a single derivative says how it changes along the real
    axis alone.
    """
    is_complex = np.iscomplexobj(x)
    if holomorphic and not is_complex:
        raise TypeError(f"{name} with holomorphic=True takes complex {kind}, not {_real_type(x)}")
    if is_complex and not holomorphic and kind == "arguments":
        raise TypeError(
            f"{name} of a complex argument: say holomorphic=True if the function has a complex derivative, or make it "
            "a function of the real and the imaginary part; jvp takes any direction"
        )


def _real_type(x: Any) -> Any:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def gradient(f: _Function, *, holomorphic: bool = False) -> _Function:
    """Return the gradient of a function whose value is one number, in the shape of its argument.

    TypeError for complex arguments unless `holomorphic` says that f has a complex derivative.
    """

    def differentiated(x: Any) -> Any:
        result = jacobian(f, holomorphic=holomorphic)(x)
        if np.ndim(result) != np.ndim(x):
            shape = np.shape(result)[: np.ndim(result) - np.ndim(x)]
            raise ValueError(
                f"gradient needs a function with one number as its value, not shape {shape}; perhaps you meant jacobian"
            )
        return result

    return differentiated


def jacobian(
    f: _Function, chunk_size: int | None = None, *, sparsity: Any = None, holomorphic: bool = False
) -> _Function:
    """Return all partial derivatives of a function of one array, `(*out, *in)`.

    Directions are pushed in chunks of equal size, at most `chunk_size`: by default as many as keep the seeds below 4
    million elements, and 256 at most. Seeds of vectors and matrices are structured tangents, never an identity matrix.
    `sparsity` is a pattern `(outputs, inputs)`, true where the Jacobian may have an entry, as an array of truth values
    or one of SciPy's sparse arrays; columns are then pushed together where they share no row, and the result is sparse
    if the pattern is. ValueError for a chunk size below 1, or for a pattern that does not fit; TypeError for a function
    whose result is not one array, and for complex arguments unless `holomorphic` says that f has a complex derivative.

    >>> jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}, but a chunk has at least one direction")
    f = _of_one_array(f)

    def differentiated(x: Any) -> Any:
        number = not isinstance(x, np.ndarray | Dual)
        x = as_floating(x)
        x = x[()] if number else x
        _check_holomorphic(holomorphic, "jacobian", x)
        limit = chunk_size or max(1, min(_CHUNK, _SEED_ELEMENTS // max(1, x.size)))
        if sparsity is not None:
            from dualtrain.core.dual.sparsity import sparse_jacobian  # which imports this module

            return sparse_jacobian(f, x, sparsity, limit)
        rows = [jvp(f, (x,), (_seed(x, *chunk),))[1] for chunk in equal_chunks(x.size, limit)]
        _check_holomorphic(holomorphic, "jacobian", rows[0], "results")
        result = np.moveaxis(np.concatenate(rows), 0, -1)
        return np.reshape(result, result.shape[:-1] + x.shape)

    return differentiated


def _of_one_array(f: _Function) -> _Function:
    """Return f, with a TypeError for a result of several parts: their derivatives are not one array."""

    def called(x: Any) -> Any:
        result = f(x)
        if isinstance(result, tuple | list | dict):
            raise TypeError(
                f"the function's result is a {type(result).__name__}, not one array: return one part of it, join the "
                "parts with np.stack or np.concatenate, or take jvp, which gives each its derivative"
            )
        return result

    return called


def equal_chunks(size: int, limit: int) -> list[tuple[int, int]]:
    """Return `[0, size)` as the fewest ranges of at most `limit`, whose lengths differ by 1 at most."""
    count = max(1, -(-size // limit))
    edges = [size * i // count for i in range(count + 1)]
    return list(pairwise(edges))


def _seed(x: Tensor, start: int, stop: int) -> Tensor:
    """Return the unit directions start to stop of a tensor, by structure where there is one."""
    entries = np.arange(start, stop)
    if x.ndim == 1:
        return UnitTangent(entries, np.ones(len(entries), x.dtype))
    if x.ndim == 2:
        return EntrySeed(*np.divmod(entries, x.shape[1]))
    seeds = np.zeros((len(entries), x.size), x.dtype)
    seeds[np.arange(len(entries)), entries] = 1
    return seeds.reshape(len(entries), *x.shape)


def hessian(f: _Function, chunk_size: int | None = None, *, holomorphic: bool = False) -> _Function:
    """Return the second derivatives of a function of one array, `(*out, *in, *in)`."""
    return jacobian(jacobian(f, chunk_size, holomorphic=holomorphic), chunk_size, holomorphic=holomorphic)


def hvp(f: _Function, *, holomorphic: bool = False) -> _Function:
    """Return the product of a Hessian with a vector, `hvp(f)(x, v)`, in the shape of x; f returns one number."""

    def product(x: Any, v: Any) -> Any:
        return jvp(gradient(f, holomorphic=holomorphic), (x,), (v,))[1]

    return product
