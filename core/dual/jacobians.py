"""Jacobians, gradients and Hessians: every direction of an argument, in chunks."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor
from dualtrain.core.dual.seeds import equal_chunks, unit_seeds
from dualtrain.core.dual.sparsity import detected_pattern, sparse_jacobian
from dualtrain.core.dual.tensor import as_floating
from dualtrain.core.dual.transforms import Function, check_holomorphic, jvp, of_argument, push_forward
from dualtrain.core.dual.trees import children, leaves, map_leaves, with_leaves

_SEED_ELEMENTS = 2**22
_CHUNK = 256


def gradient(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, *, holomorphic: bool = False
) -> Callable[..., Any]:
    """Return the gradient of a function whose value is one number, `gradient(f)(x, *more, **options)`.

    It has the shape, or the structure, of the argument at `argnums`; several places give a tuple. With `has_aux` f
    returns a pair, and the result is the gradient and the second part. TypeError for complex arguments unless
    `holomorphic` says that f has a complex derivative, ValueError where f returns more than one number.

    >>> gradient(lambda x, scale: scale * np.sum(x**2))(np.array([1.0, 2.0]), 3.0)
    array([ 6., 12.])
    """
    both = value_and_gradient(f, argnums, has_aux, holomorphic=holomorphic)

    def differentiated(*args: Any, **options: Any) -> Any:
        value, slopes = both(*args, **options)
        return (slopes, value[1]) if has_aux else slopes

    return differentiated


def value_and_gradient(
    f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False, *, holomorphic: bool = False
) -> Callable[..., Any]:
    """Return a function of the value and the gradient of f, from the same evaluations; otherwise as `gradient`.

    With `has_aux` the value is the pair that f returns.

    >>> value_and_gradient(np.prod)(np.array([2.0, 3.0]))
    (np.float64(6.0), array([3., 2.]))
    """
    both = value_and_jacobian(f, argnums, has_aux, holomorphic=holomorphic)

    def differentiated(*args: Any, **options: Any) -> Any:
        pair, slopes = both(*args, **options)
        value = pair[0] if has_aux else pair
        if children(value) is not None or np.ndim(value) != 0:
            kind = f"shape {np.shape(value)}" if children(value) is None else f"a {type(value).__name__}"
            raise ValueError(
                f"gradient needs a function with one number as its value, not {kind}; perhaps you meant jacobian"
            )
        return pair, slopes

    return differentiated


def jacobian(
    f: Function,
    argnums: int | Sequence[int] = 0,
    chunk_size: int | None = None,
    sparsity: Any = None,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """Return all partial derivatives of a function, `jacobian(f)(x, *more, **options)`, in the shape `(*out, *in)`.

    The argument at `argnums`, and the result, may be nested containers: each array of the result is replaced by the
    argument's containers with the derivatives along its arrays. Several places give a tuple. Directions are pushed in
    chunks of equal size, at most `chunk_size`: by default as many as keep the seeds below 4 million elements, and 256
    at most. Seeds of vectors and matrices are structured tangents, never an identity matrix.

    `sparsity` is a pattern `(outputs, inputs)` of one array's Jacobian, true where it may have an entry, as an array
    of truth values or one of SciPy's sparse arrays, or "detect"; columns are then pushed together where they share no
    row, and the result is sparse if the pattern is. ValueError for a chunk size below 1, or for a pattern that does
    not fit; TypeError for complex arguments unless `holomorphic` says that f has a complex derivative.

    >>> jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    both = value_and_jacobian(f, argnums, has_aux, chunk_size, sparsity, holomorphic=holomorphic)

    def differentiated(*args: Any, **options: Any) -> Any:
        value, slopes = both(*args, **options)
        return (slopes, value[1]) if has_aux else slopes

    return differentiated


def value_and_jacobian(
    f: Function,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    chunk_size: int | None = None,
    sparsity: Any = None,
    *,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """Return a function of the value and the Jacobian of f, from the same evaluations; otherwise as `jacobian`."""
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}, but a chunk has at least one direction")
    if isinstance(sparsity, str) and sparsity != "detect":
        raise ValueError(f'sparsity is a pattern or "detect", not {sparsity!r}')
    known = sparsity if sparsity is None else _patterned(sparsity)

    def differentiated(*args: Any, **options: Any) -> Any:
        places = [argnums] if isinstance(argnums, int) else list(argnums)
        value, aux, slopes = None, None, []
        for place in places:
            if not -len(args) <= place < len(args):
                raise TypeError(f"argnums={place} needs that many arguments by position, got {len(args)}")
            function = of_argument(f, place, args, options)
            value, aux, slope = _along(function, args[place], has_aux, chunk_size, known, holomorphic)
            slopes.append(slope)
        pair = (value, aux) if has_aux else value
        return pair, slopes[0] if isinstance(argnums, int) else tuple(slopes)

    return differentiated


def _along(
    f: Function, tree: Any, has_aux: bool, chunk_size: int | None, sparsity: Any, holomorphic: bool
) -> tuple[Any, Any, Any]:
    """Return value, auxiliary result and Jacobian of a function of one argument."""
    if sparsity is not None:
        x = _argument(tree, holomorphic)
        return sparsity(f, x, chunk_size or _limit(x), has_aux)  # type: ignore[no-any-return]
    if children(tree) is None:
        return _of_array(f, _argument(tree, holomorphic), has_aux, chunk_size, holomorphic)
    parts = leaves(tree)
    value, aux, columns = None, None, []
    for place, part in enumerate(parts):

        def of_leaf(x: Any, place: int = place) -> Any:
            return f(with_leaves(tree, [*parts[:place], x, *parts[place + 1 :]]))

        value, aux, column = _of_array(of_leaf, _argument(part, holomorphic), has_aux, chunk_size, holomorphic)
        columns.append(column)
    if not columns:
        raise TypeError("the argument holds no array to differentiate along")
    return value, aux, map_leaves(lambda *slopes: with_leaves(tree, slopes), *columns)


def _patterned(pattern: Any) -> Function:
    """Return the sparse Jacobian by a pattern, or by one that is detected."""
    if isinstance(pattern, str):
        return _detected()
    return lambda f, x, chunk, has_aux: sparse_jacobian(f, x, pattern, chunk, has_aux)


def _detected() -> Function:
    """Return the sparse Jacobian by a pattern that is detected, again where it lacks an entry."""
    patterns: dict[Any, Any] = {}

    def along(f: Function, x: Tensor, chunk: int, has_aux: bool) -> tuple[Any, Any, Any]:
        if x.shape in patterns:
            try:
                return sparse_jacobian(f, x, patterns[x.shape], chunk, has_aux)
            except ValueError:  # elsewhere it has other entries
                pass
        patterns[x.shape] = detected_pattern(f, x, has_aux)
        return sparse_jacobian(f, x, patterns[x.shape], chunk, has_aux)

    return along


def _argument(x: Any, holomorphic: bool) -> Tensor:
    result = as_floating(x)
    result = result if isinstance(x, np.ndarray | Dual) else result[()]
    check_holomorphic(holomorphic, "jacobian", result)
    return result


def _limit(x: Tensor) -> int:
    return max(1, min(_CHUNK, _SEED_ELEMENTS // max(1, int(x.size))))


def _of_array(f: Function, x: Tensor, has_aux: bool, chunk_size: int | None, holomorphic: bool) -> tuple[Any, Any, Any]:
    """Return value, auxiliary result and Jacobian of a function of one array."""
    value, aux, chunks = None, None, []
    for chunk in equal_chunks(x.size, chunk_size or _limit(x)):
        value, rows, aux = push_forward(f, (x,), (unit_seeds(x, *chunk),), has_aux)
        chunks.append(rows)

    def assembled(*rows: Any) -> Any:
        check_holomorphic(holomorphic, "jacobian", rows[0], "results")
        entries = np.moveaxis(np.concatenate(rows), 0, -1)
        return np.reshape(entries, entries.shape[:-1] + x.shape)

    return map_leaves(_copied, value), aux, map_leaves(assembled, *chunks)


def _copied(x: Tensor) -> Tensor:
    return x.copy() if isinstance(x, np.ndarray) and not x.flags.writeable else x


def hessian(
    f: Function,
    argnums: int | Sequence[int] = 0,
    chunk_size: int | None = None,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """Return the second derivatives of a function, `(*out, *in, *in)`; otherwise as `jacobian`.

    >>> hessian(np.prod)(np.array([2.0, 3.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    inner = jacobian(f, argnums, chunk_size, has_aux=has_aux, holomorphic=holomorphic)
    return jacobian(inner, argnums, chunk_size, has_aux=has_aux, holomorphic=holomorphic)


def hvp(f: Function, *, holomorphic: bool = False) -> Callable[..., Any]:
    """Return the product of a Hessian with a vector, `hvp(f)(x, v, *more, **options)`, in the shape of x.

    f returns one number; x may be a nested container, and v has its structure.
    """

    def product(x: Any, v: Any, *more: Any, **options: Any) -> Any:
        slopes = gradient(f, holomorphic=holomorphic)
        return jvp(lambda x: slopes(x, *more, **options), (x,), (v,))[1]

    return product
