"""Dual tensors: NumPy arrays that carry a tangent through NumPy's own functions."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from core.dual.chain import product
from core.dual.dispatch import call_function, call_ufunc
from core.dual.engine import Dual, Tensor, tangent_of
from core.dual.refusing import Refusing
from core.dual.rules import ELEMENTWISE
from core.dual.rules.indexing import getitem
from core.dual.structure import Structure


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that calls the NumPy function of that name."""

    def call(self: "DualTensor", *args: Any, **options: Any) -> Any:
        return function(self, *args, **options)

    return call


class DualTensor(Refusing, Dual, np.lib.mixins.NDArrayOperatorsMixin):
    """An array `real` and its tangent `dual`, `(*directions, *real.shape)`.

    One direction has the shape of `real`; leading axes more are many directions at once. Integers become float64;
    `dual` may also be a structured tangent. TypeError for types other than floats and complex numbers, ValueError for
    a tangent of another shape.

    >>> x = DualTensor([1.0, 2.0], [1.0, 0.0])
    >>> (x * x).dual
    array([2., 0.])
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # as an array: it compares element by element
    rank = 1

    def __init__(self, real: Any, dual: Any) -> None:
        self.real, self.tangent = checked(real, dual)
        self.level = 0

    def like(self, real: Tensor, tangent: Tensor) -> "DualTensor":
        made = object.__new__(DualTensor)
        made.real, made.tangent, made.level = real, tangent, self.level
        return made

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if len(inputs) == 1 and method == "__call__" and not options and type(self.tangent) is np.ndarray:
            rule = ELEMENTWISE.get(ufunc)
            real = self.real
            if rule is not None and real.dtype.kind == "f":  # the short way, which small arrays are sensitive to
                out = ufunc(real)
                return self.like(out, product(rule.partials[0], rule.singular, self.tangent, out, [real]))
        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: dict[str, Any]) -> Any:
        return call_function(function, args, options)

    @property
    def dual(self) -> Tensor:
        """The tangent as a dense array `(*directions, *shape)`."""
        tangent = self.tangent
        return tangent.dense(self.shape, self.dtype) if isinstance(tangent, Structure) else tangent

    @property
    def shape(self) -> tuple[int, ...]:
        return self.real.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self.real.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self.real.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.real.dtype  # type: ignore[no-any-return]

    @property
    def T(self) -> "DualTensor":
        return np.transpose(self)  # type: ignore[return-value, call-overload, no-any-return]

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return getitem(self, index)

    def __repr__(self) -> str:
        return f"DualTensor({self.real!r}, {self.dual!r})"

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)  # type: ignore[call-overload]

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)  # type: ignore[call-overload]

    def astype(self, dtype: Any, **options: Any) -> "DualTensor":
        return self.like(self.real.astype(dtype, **options), tangent_of(self).astype(dtype, **options))  # type: ignore[union-attr]

    def copy(self) -> "DualTensor":
        return self.like(self.real.copy(), tangent_of(self).copy())  # type: ignore[union-attr]

    sum = method(np.sum)
    mean = method(np.mean)
    max = method(np.max)
    min = method(np.min)
    ravel = method(np.ravel)
    swapaxes = method(np.swapaxes)
    squeeze = method(np.squeeze)
    argmax = method(np.argmax)
    argmin = method(np.argmin)
    cumsum = method(np.cumsum)


def checked(real: Any, dual: Any) -> tuple[Tensor, Tensor]:
    """Value and tangent as arrays of one floating type."""
    value = floating(real)
    if isinstance(dual, Structure):
        return value, dual
    tangent = floating(dual)
    if tangent.ndim < value.ndim or tangent.shape[tangent.ndim - value.ndim :] != value.shape:
        raise ValueError(
            f"a tangent of shape {tangent.shape} does not fit a value of shape {value.shape}: it has the value's "
            "shape, behind as many direction axes as you like"
        )
    kind = np.promote_types(value.dtype, tangent.dtype) if tangent.dtype.kind == "c" else value.dtype
    return value.astype(kind, copy=False), tangent.astype(kind, copy=False)


def floating(x: Any) -> Tensor:
    """An array of floats or complex numbers; a dual as it is."""
    if isinstance(x, Dual):
        return x
    array = np.asarray(x)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise TypeError(f"a dual holds floats or complex numbers, not {array.dtype}")
    return array
