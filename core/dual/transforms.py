"""Forward-mode derivatives of functions along directions: jvp, derivative, linearize."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import LEVELS, Dual, Tensor, plain
from dualtrain.core.dual.structured import Structure, Zero
from dualtrain.core.dual.tensor import DualTensor, as_floating, value_and_tangent
from dualtrain.core.dual.trees import children, leaves, map_leaves, rebuilt, with_leaves

Function = Callable[..., Any]


class _Depth(threading.local):
    """The number of functions that this thread is differentiating, one inside the other."""

    count = 0


_DEPTH = _Depth()


def differentiating() -> bool:
    """Return whether a derivative is being computed in this thread."""
    return _DEPTH.count > 0


@contextmanager
def counted_depth() -> Iterator[None]:
    """Count a function as being differentiated while its body runs."""
    _DEPTH.count += 1
    try:
        yield
    finally:
        _DEPTH.count -= 1


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Return the value of `f(*primals)` and its derivative along the tangents, as in JAX.

    Primals are arrays, numbers, or nested containers of them (dictionaries, lists, tuples, named tuples, dataclasses),
    and tangents have the same structure. A tangent has the shape of its primal, or direction axes more in front; the
    result's tangent is `(*directions, *value.shape)`, zeros where f does not depend on the primals. Results may be
    nested containers too, and are the caller's own to write into. With `has_aux`, f returns a pair, and the second
    part is returned as it is: `(value, tangent, aux)`. TypeError for primals that are not a tuple or list, and for
    results that are no numbers, ValueError for shapes that do not fit.

    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    if not isinstance(primals, tuple | list) or not isinstance(tangents, tuple | list):
        raise TypeError("jvp takes a tuple of primals and a tuple of tangents: jvp(f, (x,), (v,))")
    if len(primals) != len(tangents):
        raise ValueError(f"jvp got {len(primals)} primals and {len(tangents)} tangents")
    value, tangent, aux = push_forward(f, primals, tangents, has_aux)
    if isinstance(value, np.ndarray | np.generic):
        value, tangent = _owned(value), _owned(tangent)
    else:
        value, tangent = map_leaves(_owned, value), map_leaves(_owned, tangent)
    return (value, tangent, aux) if has_aux else (value, tangent)


def push_forward(f: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool) -> tuple[Any, Any, Any]:
    """Return value, tangent and auxiliary result, which may be read-only or share the primals' memory."""
    level = next(LEVELS)
    inputs = [_duals_of(x, t, level) for x, t in zip(primals, tangents, strict=True)]
    shapes = {_directions_of(x) for x in leaves(inputs)}
    axes = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
    _DEPTH.count += 1
    try:
        result = f(*inputs)
    finally:
        _DEPTH.count -= 1
    aux = None
    if result is None:
        raise TypeError("the function's result, of type NoneType, is no array of numbers: return one")
    if has_aux:
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError("with has_aux=True the function returns a pair: its value, and what is returned as it is")
        result, aux = result[0], map_leaves(lambda leaf: _without_level(leaf, level), result[1])
    return (*_split(result, level, axes), aux)


def _duals_of(tree: Any, tangents: Any, level: int) -> Any:
    if type(tree) is np.ndarray:
        return _dual_argument(tree, tangents, level)
    return map_leaves(lambda x, t: _dual_argument(x, t, level), tree, tangents)


def _owned(x: Tensor) -> Tensor:
    """Return an array that the caller may write into."""
    return x.copy() if isinstance(x, np.ndarray) and not x.flags.writeable else x


def _without_level(x: Any, level: int) -> Any:
    """Return a part of an auxiliary result without the tangent of a level."""
    return x.primal if isinstance(x, Dual) and x.level == level else x


def _dual_argument(x: Any, tangent: Any, level: int) -> DualTensor:
    """Return the primal with its tangent on the level; read-only, for f must not change its caller's arrays."""
    primal, tangent = value_and_tangent(x, tangent)
    dual = object.__new__(DualTensor)
    if not isinstance(x, np.ndarray | Dual):
        primal = primal[()]  # numbers stay scalars, in which nothing can be written
    dual.primal = _read_only(primal)
    dual.stored_tangent = _read_only(tangent)
    dual.level = level
    return dual


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
    parts = children(result)
    if parts is not None:
        pairs = [_split(part, level, axes) for part in parts]
        return rebuilt(result, [pair[0] for pair in pairs]), rebuilt(result, [pair[1] for pair in pairs])
    if isinstance(result, Dual) and result.level == level:
        tangent = result.tangent
        shape = axes + result.shape
        tangent = tangent if tangent.shape == shape else np.broadcast_to(tangent, shape)
        return _as_scalar(result.primal), _as_scalar(tangent)
    value = value_of_result(result)
    return _as_scalar(value), _as_scalar(np.zeros(axes + value.shape, value.dtype))


def value_of_result(result: Any) -> Tensor:
    while isinstance(result, Dual) and isinstance(result.stored_tangent, Zero):
        result = result.primal
    try:
        return as_floating(result)
    except TypeError as error:
        kind = type(result).__name__
        raise TypeError(f"the function's result, of type {kind}, is no array of numbers: return one") from error


def _as_scalar(x: Tensor) -> Tensor:
    """Return a scalar instead of an array without axes."""
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x


def stop_gradient(x: Any) -> Any:
    """Return the values of duals, of every level, in an array or nested containers: constants for all derivatives."""
    return map_leaves(plain, x)


def derivative(
    f: Function, argnums: int = 0, has_aux: bool = False, *, holomorphic: bool = False
) -> Callable[..., Any]:
    """Return the derivative of a function of a number, `derivative(f)(x, *more, **options)`; f may return an array.

    It is taken along the argument at `argnums`. With `has_aux` the result is a pair with what f returns beside its
    value. TypeError for a complex argument unless `holomorphic` says that f has a complex derivative.

    >>> float(derivative(lambda x: x**3)(2.0))
    12.0
    """

    def differentiated(*args: Any, **options: Any) -> Any:
        x = args[argnums]
        if np.ndim(x) != 0:
            raise ValueError(
                f"derivative takes a number, not shape {np.shape(x)}; perhaps you meant gradient or jacobian"
            )
        check_holomorphic(holomorphic, "derivative", x)
        function = of_argument(f, argnums, args, options)
        _, slope, *aux = jvp(function, (x,), (np.ones((), real_type(x)),), has_aux)
        check_holomorphic(holomorphic, "derivative", slope, "results")
        return (slope, *aux) if has_aux else slope

    return differentiated


def of_argument(f: Function, place: int, args: Sequence[Any], options: dict[str, Any]) -> Function:
    """Return f as a function of the argument at a place alone."""
    place = range(len(args))[place]
    return lambda x: f(*args[:place], x, *args[place + 1 :], **options)


def check_holomorphic(holomorphic: bool, name: str, x: Any, kind: str = "arguments") -> None:
    """Raise TypeError where complex numbers meet a transform of real functions, or real ones a complex one, as in JAX.

    Of a function without a complex derivative, such as |z|², a single derivative says how it changes along the real
    axis alone.
    """
    is_complex = np.iscomplexobj(x)
    if holomorphic and not is_complex:
        raise TypeError(f"{name} with holomorphic=True takes complex {kind}, not {real_type(x)}")
    if is_complex and not holomorphic and kind == "arguments":
        raise TypeError(
            f"{name} of a complex argument: say holomorphic=True if the function has a complex derivative, or make it "
            "a function of the real and the imaginary part; jvp takes any direction"
        )


def real_type(x: Any) -> Any:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def linearize(f: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return `f(*primals)` and its linear part there: a function of tangents, `(*directions, *shape)` each.

    Every call of it evaluates f again with these tangents, and nothing is stored in between.

    >>> value, push = linearize(np.sin, 0.0)
    >>> float(value), float(push(2.0))
    (0.0, 2.0)
    """

    def push(*tangents: Any) -> Any:
        return jvp(f, primals, tangents)[1]

    return f(*primals), push


__all__ = ["Function", "derivative", "differentiating", "jvp", "linearize", "stop_gradient", "with_leaves"]
