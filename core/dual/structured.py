"""Tangents that know where they are zero, with K directions; `dense` builds the array that they stand for.

A tangent `E_ij` of a weight matrix moves only column j of the pre-activations, and still only column j after the
activation; only the next matrix product spreads it, as an outer product. So a pass for one parameter costs what it
changes, and none of the zeros are stored or multiplied.
"""

from dataclasses import dataclass
from math import prod
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np

_Array: TypeAlias = Any  # ndarray, or a dual of a lower level
_Indices: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]
_PLAIN = (np.ndarray, np.generic, int, float, complex)


class Structure:
    """A tangent stored by its structure."""

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        """Return the tangent of a value of this shape and type as an array `(*directions, *shape)`."""
        raise NotImplementedError

    @property
    def directions(self) -> tuple[int, ...]:
        """The direction axes, K alone for most."""
        raise NotImplementedError


@dataclass(frozen=True)
class Zero(Structure):
    """No tangent yet: what `np.zeros_like` of a dual holds, so that duals can be assigned into it."""

    shape: tuple[int, ...] = ()

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        return np.zeros(self.shape + shape, dtype)

    @property
    def directions(self) -> tuple[int, ...]:
        return self.shape


@dataclass(frozen=True, eq=False)
class EntrySeed(Structure):
    """On a matrix `(D, H)`: direction k is 1 at `rows[k], columns[k]`, both `(K,)` integers, and 0 elsewhere."""

    rows: _Indices
    columns: _Indices

    def after(self, a: _Array) -> "UnitTangent":
        """Return the tangent of `a @ matrix`: direction k lives in unit `columns[k]`, with `a[..., rows[k]]`."""
        return UnitTangent(self.columns, _chosen(a, self.rows))

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        seeds = np.zeros((len(self.rows), *shape), dtype)
        seeds[np.arange(len(self.rows)), self.rows, self.columns] = 1
        return seeds

    @property
    def directions(self) -> tuple[int, ...]:
        return (len(self.rows),)


class Factored(Structure):
    """A tangent whose direction k is `values[k]`, `(K, *batch)`, times something that is stored once.

    Through functions of each element, products by matrices and a function of the last axis it stays factored.
    """

    values: _Array

    @property
    def directions(self) -> tuple[int, ...]:
        return (len(self.values),)

    def scaled(self, by: _Array) -> "Factored":
        """Return the tangent times an array of the value's shape."""
        raise NotImplementedError

    def after(self, weights: _Array) -> "Factored":
        """Return the tangent of `x @ weights`, for a tensor `(N, D)` and weights `(D, H)`."""
        raise NotImplementedError

    def factor(self, weights: _Array) -> _Array:
        """Return the factor `(K, *batch)` of the values in a contraction with weights of the value's shape."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class UnitTangent(Factored):
    """On a tensor `(*batch, H)`: direction k lives only in unit `units[k]` of the last axis, with `values[k]`.

    `units` is `(K,)` integers, `values` `(K, *batch)`.
    """

    units: _Indices
    values: _Array

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        if isinstance(self.values, np.ndarray):
            dense = np.zeros((len(self.units), *shape), dtype)
            dense[np.arange(len(self.units)), ..., self.units] = self.values
            return dense
        mask = self.units[:, None] == np.arange(shape[-1])  # (K, H)
        return self.values[..., None] * mask.reshape(len(mask), *(1,) * (len(shape) - 1), shape[-1])

    def scaled(self, by: _Array) -> "UnitTangent":
        if np.ndim(by) == 0:
            return self if isinstance(by, int) and by == 1 else UnitTangent(self.units, self.values * by)
        return UnitTangent(self.units, self.values * self.factor(by))

    def after(self, weights: _Array) -> "OuterTangent":
        if len(self.units) > weights.shape[0]:
            return OuterTangent(self.values, weights.copy(), self.units)
        return OuterTangent(self.values, weights[self.units])

    def factor(self, weights: _Array) -> _Array:
        return _chosen(weights, self.units)


@dataclass(frozen=True, eq=False)
class SiteTangent(Factored):
    """On a tensor `(N, *shape)`: direction k lives only in element `units[k]` of each flattened sample.

    `units` is `(K,)` integers, `values` `(K, N)`.
    """

    units: _Indices
    values: _Array

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        flat = UnitTangent(self.units, self.values).dense((shape[0], prod(shape[1:])), dtype)
        return flat.reshape(len(self.units), *shape)

    def scaled(self, by: _Array) -> "SiteTangent":
        return SiteTangent(self.units, self.values * self.factor(by))

    def factor(self, weights: _Array) -> _Array:
        return _chosen(weights.reshape(len(weights), -1), self.units)


@dataclass(frozen=True, eq=False)
class OuterTangent(Factored):
    """On a tensor `(*batch, C)`: `dense[k, *b, c] = values[k, *b] * rows[which[k], c] * slopes[*b, c]`.

    A unit tangent after `@ W`. `values` is `(K, *batch)`, `rows` `(U, C)`: where directions are many, those of a unit
    share its row. `slopes` `(*batch, C)`, None for ones, are those of functions of each element.
    """

    values: _Array
    rows: _Array
    which: _Indices | EllipsisType = ...
    slopes: _Array | None = None

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        rows = self.rows[self.which]
        dense = self.values[..., None] * rows.reshape(len(rows), *(1,) * (len(shape) - 1), shape[-1])
        return dense if self.slopes is None else np.multiply(dense, self.slopes, out=dense)

    def scaled(self, by: _Array) -> "OuterTangent":
        return OuterTangent(self.values, self.rows, self.which, by if self.slopes is None else self.slopes * by)

    def after(self, weights: _Array) -> "OuterTangent | CubeTangent":
        if self.slopes is None:
            return OuterTangent(self.values, self.rows @ weights, self.which)
        return CubeTangent(self.values, _through_slopes(self.rows, self.slopes, weights), self.which)

    def factor(self, weights: _Array) -> _Array:
        if self.slopes is not None:
            weights = weights * self.slopes
        if weights.ndim == 2:
            return (self.rows @ np.transpose(weights))[self.which]
        return np.moveaxis(weights @ np.transpose(self.rows), -1, 0)[self.which]


@dataclass(frozen=True, eq=False)
class CubeTangent(Factored):
    """On a tensor `(N, C)`: `dense[k, n, c] = values[k, n] * cube[which[k], c, n]`.

    Samples are the last axis, which is long where the others may be short.
    """

    values: _Array
    cube: _Array
    which: _Indices | EllipsisType = ...

    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        dense = self.values[:, None, :] * self.cube[self.which]
        return dense.swapaxes(1, 2).reshape(len(self.values), *shape)

    def scaled(self, by: _Array) -> "CubeTangent":
        return CubeTangent(self.values, self.cube * _by_sample(by), self.which)

    def after(self, weights: _Array) -> "CubeTangent":
        return CubeTangent(self.values, np.matmul(np.transpose(weights), self.cube), self.which)

    def factor(self, weights: _Array) -> _Array:
        return np.einsum("ucn,cn->un", self.cube, _by_sample(weights))[self.which]


_SLICE_NUMBERS = 2**20
"""Numbers of an intermediate array of `_through_slopes` at most, unless one sample has more."""


def _by_sample(array: _Array) -> _Array:
    """Return `(N, C)` as `(C, N)`, in that order in memory."""
    return np.ascontiguousarray(array.T)


def _through_slopes(rows: _Array, slopes: _Array, weights: _Array) -> _Array:
    """Return `Σ_c rows[u, c] slopes[n, c] weights[c, d]`, `(U, D, N)`, of `(U, C)`, `(N, C)` and `(C, D)`.

    What is fewer is multiplied by the slopes, weights or rows; the rest is one product of matrices.
    """
    samples, width, units = len(slopes), weights.shape[1], len(rows)
    by_sample = _by_sample(slopes)
    if width > units:
        return np.matmul(np.transpose(weights), rows[:, :, None] * by_sample)
    cube = np.empty((units, width, samples), rows.dtype)
    at_once = max(1, _SLICE_NUMBERS // weights.size)
    for start in range(0, samples, at_once):
        part = by_sample[:, start : start + at_once]
        scaled = weights[:, :, None] * part[:, None, :]  # (C, D, n)
        product = rows @ scaled.reshape(len(weights), -1)
        cube[:, :, start : start + at_once] = product.reshape(units, width, -1)
    return cube


@dataclass(frozen=True, eq=False)
class ScaledTangent(Structure):
    """On any tensor: `slopes * base`, for K directions `base`, `(K, *shape)`, through functions of each element.

    `slopes` broadcasts to the tensor's shape: a chain of such functions multiplies slopes, as if for one direction,
    and the directions only once, at its end. Nobody may write into `base`, and `slopes` are this tangent's own.
    """

    slopes: _Array
    base: _Array
    ndim: int  # of the tensor

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def dense(self, shape: tuple[int, ...], dtype: Any) -> _Array:
        dense = scale_tangent(self.slopes, self.base)
        return dense if dense.dtype == dtype else dense.astype(dtype)

    @property
    def directions(self) -> tuple[int, ...]:
        return self.base.shape[: self.base.ndim - self.ndim]  # type: ignore[no-any-return]

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")
    def scaled(self, by: _Array) -> "ScaledTangent":
        return ScaledTangent(self.slopes * by, self.base, self.ndim)


def to_dense(tangent: _Array | Structure | None, x: _Array) -> Any:
    """Return the tangent of x as an array `(*directions, *x.shape)`; None passes."""
    return tangent.dense(x.shape, x.dtype) if isinstance(tangent, Structure) else tangent


def scale_tangent(slopes: _Array, tangent: _Array, into: _Array | None = None) -> _Array:
    """Return `slopes * tangent`, 0 where the tangent is, even if the slope or its derivative is infinite there."""
    square = np.vdot(slopes, slopes)  # one pass: an infinity or NaN among them shows in the sum
    moving = not isinstance(tangent, _PLAIN)  # a dual of 0 may have a derivative
    if np.isfinite(square) and (moving or isinstance(square, _PLAIN) or _is_finite(square.tangent)):
        return np.multiply(slopes, tangent, out=into)
    return np.where(_is_zero(tangent), 0, slopes * tangent)


def _is_zero(tangent: _Array) -> _Array:
    """Return where a tangent is 0 and stays so: inside a tangent that is a dual, its tangents are 0 too."""
    if isinstance(tangent, _PLAIN):
        return np.equal(tangent, 0)
    inner = _is_zero(tangent.tangent)
    return _is_zero(tangent.primal) & np.all(inner, axis=tuple(range(np.ndim(inner) - np.ndim(tangent.primal))))


def _is_finite(x: _Array) -> bool:
    """Return whether all of an array is finite, and of a dual the tangents too."""
    return bool(np.all(np.isfinite(x))) and (isinstance(x, _PLAIN) or _is_finite(x.tangent))


def _chosen(x: _Array, indices: _Indices) -> _Array:
    """Return `x[..., indices]` with that axis first, `(K, *batch)`."""
    if type(x) is np.ndarray and x.ndim == 2:
        return x.T.take(indices, axis=0)  # rows one after the other, unlike the transpose of x[:, indices]
    return np.moveaxis(x[..., indices], -1, 0)


def contract(tangent: _Array | Structure, weights: _Array) -> _Array:
    """Return Σ_c tangent[k, *b, c] · weights[*b, c], `(*directions, *batch)`, through a function of the last axis.

    For unit and outer tangents the dense array is never built.
    """
    if isinstance(tangent, Factored):
        return tangent.values * tangent.factor(weights)
    return np.einsum("...c,...c->...", to_dense(tangent, weights), weights)


def inner(tangent: _Array | Structure, weights: _Array) -> _Array:
    """Return Σ_bc tangent[k, *b, c] · weights[*b, c], `(K,)`, of real numbers: `contract`, summed over the batch."""
    if isinstance(tangent, Factored):
        values = tangent.values
        flat = (len(values), values[:1].size)
        return np.vecdot(values.reshape(flat), tangent.factor(weights).reshape(flat))
    tangent = to_dense(tangent, weights)
    return tangent.reshape(len(tangent), weights.size) @ weights.ravel()
