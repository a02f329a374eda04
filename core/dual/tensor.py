"""Dual tensors: NumPy arrays that carry a tangent through NumPy's own functions."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from dualtrain.core.dual.chain import fast_path
from dualtrain.core.dual.dispatch import call_function, call_ufunc
from dualtrain.core.dual.engine import Dual, Tensor, level_above, plain, push
from dualtrain.core.dual.rules.assignment import setitem
from dualtrain.core.dual.rules.indexing import getitem, plain_index
from dualtrain.core.dual.structured import Structure
from dualtrain.core.dual.unsupported import Refusing, check_plain_array, check_plain_arrays


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that calls the NumPy function of that name."""

    def call(self: "DualTensor", *args: Any, **options: Any) -> Any:
        return function(self, *args, **options)

    return call


class DualTensor(Refusing, Dual, np.lib.mixins.NDArrayOperatorsMixin):
    """An array `primal` and its tangent, `(*directions, *primal.shape)`.

    One direction has the shape of `primal`; leading axes more are many directions at once. Integers become float64;
    the tangent may also be a structured one. `real` and `imag` are NumPy's: parts of a complex dual with their
    tangents. Arrays are taken, not copied, but for a tangent that shares memory with its value.
    Division by 0 is infinite with a warning, as NumPy's. TypeError for types other than floats and complex numbers,
    ValueError for a tangent of another shape.

    >>> x = DualTensor([1.0, 2.0], [1.0, 0.0])
    >>> (x * x).tangent
    array([2., 0.])
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # as an array: it compares element by element
    rank = 1

    def __init__(self, primal: Any, tangent: Any) -> None:
        self.primal, self.stored_tangent = value_and_tangent(primal, tangent)
        if not isinstance(self.stored_tangent, Structure) and np.may_share_memory(self.primal, self.stored_tangent):
            self.stored_tangent = self.stored_tangent.copy()  # an assignment changes both
        self.level = level_above(self.primal, self.stored_tangent)

    def like(self, primal: Tensor, tangent: Tensor) -> "DualTensor":
        result = object.__new__(DualTensor)
        result.primal, result.stored_tangent, result.level = primal, tangent, self.level
        return result

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and not options:
            result = fast_path(ufunc, inputs)
            if result is not None:
                return result
        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: dict[str, Any]) -> Any:
        check_plain_arrays(types)
        return call_function(function, args, options)

    @property
    def real(self) -> Any:
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        np.real(self)[...] = value

    @property
    def imag(self) -> Any:
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        np.imag(self)[...] = value

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    def __len__(self) -> int:
        return len(self.primal)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: object) -> bool:
        return bool(np.any(self == item))

    def __eq__(self, other: object) -> Any:
        return plain(self).__eq__(plain(other))  # NumPy's answer, to what is no number either

    def __ne__(self, other: object) -> Any:
        return plain(self).__ne__(plain(other))

    def __bool__(self) -> bool:
        return bool(plain(self))  # a comparison with 0, constant between its jumps

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, plain_index(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        setitem(self, plain_index(index), value)

    def __pow__(self, other: Any) -> Any:
        return np.square(self) if type(other) in (int, float) and other == 2 else np.power(self, other)

    def __repr__(self) -> str:
        return f"DualTensor({self.primal!r}, {self.tangent!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.level:
            raise TypeError("a dual inside jvp cannot be pickled: its level means nothing elsewhere")
        return DualTensor, (self.primal, self.tangent)

    def __copy__(self) -> "DualTensor":
        return self.copy()

    def __deepcopy__(self, memo: Any) -> "DualTensor":
        return self.copy()

    def copy(self, order: str = "C") -> "DualTensor":
        tangent = self.stored_tangent
        return self.like(self.primal.copy(order), tangent if isinstance(tangent, Structure) else tangent.copy())

    def astype(self, dtype: Any, **options: Any) -> Any:
        """Convert to another type; to a plain array if that cannot hold a tangent."""
        if np.dtype(dtype).kind not in "fc":
            return plain(self).astype(dtype, **options)

        def cast(array: Tensor) -> Tensor:
            return array.astype(dtype, **options)

        return push(cast, lambda tangents, *_: cast(tangents[0]), (self,))

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: Any = "C") -> Any:
        return np.ravel(self, order).copy()

    def item(self, *place: Any) -> Any:
        """Return one element as a dual; without an index the only one, or raise ValueError."""
        if not place:
            return np.reshape(self, 1)[0]
        return np.ravel(self)[place[0]] if len(place) == 1 else self[place]

    def fill(self, value: Any) -> None:
        if isinstance(plain(self), np.ndarray):  # NumPy's scalars are not changed either
            self[...] = value

    def sort(self, axis: int = -1, *args: Any, **options: Any) -> None:
        self[...] = np.sort(self, axis, *args, **options)

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect") -> None:
        self[...] = np.partition(self, kth, axis, kind)

    def tolist(self) -> NoReturn:
        self._refuse("tolist")

    all = _method(np.all)
    any = _method(np.any)
    argmax = _method(np.argmax)
    argmin = _method(np.argmin)
    argpartition = _method(np.argpartition)
    argsort = _method(np.argsort)
    clip = _method(np.clip)
    compress = _method(lambda x, condition, axis=None: np.compress(condition, x, axis))
    conj = _method(np.conjugate)
    conjugate = _method(np.conjugate)
    cumprod = _method(np.cumprod)
    cumsum = _method(np.cumsum)
    diagonal = _method(np.diagonal)
    dot = _method(np.dot)
    max = _method(np.max)
    mean = _method(np.mean)
    min = _method(np.min)
    nonzero = _method(np.nonzero)
    prod = _method(np.prod)
    put = _method(np.put)
    ravel = _method(np.ravel)
    repeat = _method(np.repeat)
    round = _method(np.round)
    searchsorted = _method(np.searchsorted)
    squeeze = _method(np.squeeze)
    std = _method(np.std)
    sum = _method(np.sum)
    swapaxes = _method(np.swapaxes)
    take = _method(np.take)
    trace = _method(np.trace)
    var = _method(np.var)


def _match(primal: Any, tangent: Any) -> bool:
    """Return whether two arguments are arrays of one floating type whose shapes fit, as most are."""
    return (
        type(primal) is type(tangent) is np.ndarray
        and primal.dtype is tangent.dtype
        and primal.dtype.kind in "fc"
        and tangent.shape[max(tangent.ndim - primal.ndim, 0) :] == primal.shape
    )


def value_and_tangent(primal: Any, tangent: Any) -> tuple[Tensor, Tensor]:
    """Return value and tangent as arrays of one floating type."""
    if _match(primal, tangent):
        return primal, tangent
    value = as_floating(primal)
    if isinstance(tangent, Structure):
        return value, tangent
    tangent = as_floating(tangent)
    if tangent.ndim < value.ndim or tangent.shape[tangent.ndim - value.ndim :] != value.shape:
        raise ValueError(
            f"a tangent of shape {tangent.shape} does not fit a value of shape {value.shape}: it has the value's "
            "shape, behind as many direction axes as you like"
        )
    kind = np.promote_types(value.dtype, tangent.dtype) if tangent.dtype.kind == "c" else value.dtype
    return tuple(x if x.dtype == kind else x.astype(kind) for x in (value, tangent))


def as_floating(x: Any) -> Tensor:
    """Return an array of floats or complex numbers; a dual as it is."""
    if isinstance(x, Dual):
        return x
    check_plain_array(type(x))
    array = np.asarray(x)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise TypeError(f"a dual holds floats or complex numbers, not {array.dtype}")
    return array
