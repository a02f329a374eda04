"""Every array function that has a rule, in several forms each: to second order against differences.

A case is a function of arrays and the shapes that it is called with. `check_derivatives` pushes no, one and two axes of
directions (3, and 2 x 3: sizes that the data have too).
"""

import numpy as np
import pytest

from core.dual import check_derivatives
from core.dual.rules import FUNCTIONS

L = np.linalg
F = np.fft
WHOLE = np.arange(6).reshape(2, 3)
CUTS = [1, 2]


def spd(a):
    """A positive definite matrix, made from any."""
    return a @ np.swapaxes(a, -1, -2) + 3 * np.eye(a.shape[-1])


def real_parts(z):
    return np.real(z), np.imag(z)


def filled(function):
    """A function that assigns in place, as one that returns what it assigned into."""

    def call(x, v):
        out = x * 2
        function(out, v)
        return out

    return call


def copied_into(x, v):
    out = np.zeros_like(x)
    np.copyto(out, v)
    return out * x


CASES = {
    np.reshape: [(lambda x: np.reshape(x, (3, 2)), (2, 3)), (lambda x: np.reshape(x, -1, order="F"), (2, 3))],
    np.ravel: [(np.ravel, (2, 3)), (lambda x: np.ravel(x, "F"), (3, 2))],
    np.squeeze: [(np.squeeze, (1, 3, 1)), (lambda x: np.squeeze(x, 0), (1, 3, 1))],
    np.expand_dims: [(lambda x: np.expand_dims(x, 1), (2, 3)), (lambda x: np.expand_dims(x, (0, -1)), (3,))],
    np.atleast_1d: [(np.atleast_1d, ()), (np.atleast_1d, (3,))],
    np.atleast_2d: [(np.atleast_2d, (3,))],
    np.atleast_3d: [(np.atleast_3d, (2, 3)), (np.atleast_3d, (3,))],
    np.transpose: [(np.transpose, (2, 3, 4)), (lambda x: np.transpose(x, (1, 2, 0)), (2, 3, 4)), (np.transpose, (3,))],
    np.swapaxes: [(lambda x: np.swapaxes(x, 0, 2), (2, 3, 4))],
    np.moveaxis: [(lambda x: np.moveaxis(x, 0, -1), (2, 3, 4)), (lambda x: np.moveaxis(x, (0, 1), (2, 0)), (2, 3, 4))],
    np.rollaxis: [(lambda x: np.rollaxis(x, 2), (2, 3, 4))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (2, 3)), (3,)), (lambda x: np.broadcast_to(x, (2, 3)), (2, 1))],
    np.copy: [(np.copy, (2, 3))],
    np.astype: [(lambda x: np.astype(x, float), (3,))],
    np.flip: [(np.flip, (2, 3)), (lambda x: np.flip(x, 1), (2, 3)), (lambda x: np.flip(x, (0, 1)), (2, 3, 2))],
    np.fliplr: [(np.fliplr, (2, 3))],
    np.flipud: [(np.flipud, (2, 3))],
    np.rot90: [(np.rot90, (2, 3)), (lambda x: np.rot90(x, 2, (1, 2)), (2, 3, 3))],
    np.roll: [(lambda x: np.roll(x, 2), (2, 3)), (lambda x: np.roll(x, (1, 2), (0, 1)), (2, 3))],
    np.tile: [(lambda x: np.tile(x, 2), (3,)), (lambda x: np.tile(x, (2, 1, 2)), (2, 3))],
    np.resize: [(lambda x: np.resize(x, (3, 3)), (2, 3))],
    np.repeat: [(lambda x: np.repeat(x, 2), (2, 3)), (lambda x: np.repeat(x, [1, 0, 2], axis=1), (2, 3))],
    np.diagonal: [(np.diagonal, (3, 4)), (lambda x: np.diagonal(x, 1, 1, 2), (2, 3, 3))],
    np.trace: [(np.trace, (3, 3)), (lambda x: np.trace(x, -1, 0, 2), (3, 2, 3))],
    np.diag: [(np.diag, (3, 3)), (lambda x: np.diag(x, 1), (3,))],
    np.diagflat: [(np.diagflat, (2, 2)), (lambda x: np.diagflat(x, -1), (3,))],
    np.tril: [(np.tril, (3, 3)), (lambda x: np.tril(x, 1), (2, 3, 4))],
    np.triu: [(np.triu, (3, 3)), (lambda x: np.triu(x, -1), (4, 3))],
    np.matrix_transpose: [(np.matrix_transpose, (2, 3, 4))],
    L.matrix_transpose: [(L.matrix_transpose, (2, 3))],
    L.diagonal: [(L.diagonal, (2, 3, 3)), (lambda x: L.diagonal(x, offset=1), (3, 3))],
    L.trace: [(L.trace, (2, 3, 3))],
    np.lib.stride_tricks.sliding_window_view: [
        (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), (5,)),
        (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0), (3, 2)),
    ],
    np.concatenate: [
        (lambda x, y: np.concatenate([x, y, np.ones((1, 3))]), (2, 3), (3, 3)),
        (lambda x, y: np.concatenate((x, y), axis=-1), (2, 3), (2, 1)),
        (lambda x, y: np.concatenate((x, y), axis=None), (2, 3), (3,)),
    ],
    np.stack: [(lambda x, y: np.stack([x, y, np.zeros(3)], axis=1), (3,), (3,))],
    np.vstack: [(lambda x, y: np.vstack([x, y]), (3,), (2, 3))],
    np.hstack: [(lambda x, y: np.hstack([x, y]), (3,), (2,)), (lambda x, y: np.hstack([x, y]), (2, 3), (2, 1))],
    np.dstack: [(lambda x, y: np.dstack([x, y]), (2, 3), (2, 3))],
    np.column_stack: [(lambda x, y: np.column_stack([x, y]), (3,), (3, 2))],
    np.block: [(lambda x, y: np.block([[x, np.zeros((2, 1))], [np.ones((1, 2)), y]]), (2, 2), (1, 1))],
    np.append: [(np.append, (2, 3), (2,)), (lambda x, y: np.append(x, y, axis=0), (2, 3), (1, 3))],
    np.insert: [
        (lambda x, v: np.insert(x, 1, v), (3,), ()),
        (lambda x, v: np.insert(x, -1, v, axis=1), (2, 3), (2,)),
        (lambda x, v: np.insert(x, 1, v, axis=0), (2, 3), (3,)),
    ],
    np.split: [(lambda x: np.split(x, 3), (6,)), (lambda x: np.split(x, CUTS, axis=1), (2, 4))],
    np.array_split: [(lambda x: np.array_split(x, 3), (5,))],
    np.hsplit: [(lambda x: np.hsplit(x, 2), (2, 4)), (lambda x: np.hsplit(x, CUTS), (4,))],
    np.vsplit: [(lambda x: np.vsplit(x, 2), (4, 2))],
    np.dsplit: [(lambda x: np.dsplit(x, 2), (2, 3, 4))],
    np.unstack: [(lambda x: np.unstack(x, axis=1), (2, 3))],
    np.broadcast_arrays: [(np.broadcast_arrays, (3,), (2, 1))],
    np.meshgrid: [(np.meshgrid, (2,), (3,)), (lambda x, y: np.meshgrid(x, y, indexing="ij", sparse=True), (2,), (3,))],
    np.pad: [
        (lambda x: np.pad(x, 1), (2, 3)),
        (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=3), (2, 3)),
        (lambda x: np.pad(x, 2, "reflect"), (3, 3)),
        (lambda x: np.pad(x, (1, 2), "edge"), (3,)),
        (lambda x: np.pad(x, 1, "wrap"), (3,)),
        (lambda x: np.pad(x, 1, "symmetric"), (3,)),
    ],
    np.where: [
        (lambda x, y: np.where(WHOLE > 2, x, y), (2, 3), (3,)),
        (lambda x: np.where(x > 0, x * x, 0), (2, 3)),
        (lambda x: np.where(WHOLE % 2 == 0, 1.0, x), (2, 1)),
    ],
    np.clip: [(lambda x: np.clip(x, -0.5, 0.5), (2, 3)), (lambda x, y: np.clip(x, y, None), (2, 3), (3,))],
    np.take: [(lambda x: np.take(x, [[0, 5], [2, 2]]), (2, 3)), (lambda x: np.take(x, [2, 0], axis=1), (2, 3, 2))],
    np.take_along_axis: [
        (lambda x: np.take_along_axis(x, WHOLE % 3, 1), (2, 3)),
        (lambda x: np.take_along_axis(x, WHOLE[:1] % 2, axis=0), (2, 3)),
    ],
    np.sort: [(np.sort, (3, 4)), (lambda x: np.sort(x, axis=0), (4, 3)), (lambda x: np.sort(x, axis=None), (2, 3))],
    np.partition: [(lambda x: np.sort(np.partition(x, 2)[:2]), (5,))],
    np.quantile: [
        (lambda x: np.quantile(x, 0.3), (2, 4)),
        (lambda x: np.quantile(x, [0.2, 0.9], axis=0), (4, 3)),
        (lambda x: np.quantile(x, 0.6, axis=(0, 2), keepdims=True), (2, 3, 2)),
    ],
    np.percentile: [(lambda x: np.percentile(x, 35, axis=1), (2, 5))],
    np.median: [(np.median, (5,)), (lambda x: np.median(x, axis=0, keepdims=True), (4, 3))],
    np.nanquantile: [(lambda x: np.nanquantile(x, [0.3, 0.5], axis=0), (4, 3)), (lambda x: np.nanquantile(x, 0.3), (5,))],
    np.nanpercentile: [(lambda x: np.nanpercentile(x, 30, axis=1), (2, 4))],
    np.nanmedian: [(lambda x: np.nanmedian(np.where(WHOLE == 4, np.nan, x), axis=1), (2, 3))],
    np.select: [(lambda x, y: np.select([x > 0.5, x < -0.5], [x * x, y], 2 * x), (2, 3), (3,))],
    np.choose: [(lambda x, y: np.choose(WHOLE % 2, [x, y]), (2, 3), (3,))],
    np.unique: [(np.unique, (5,))],
    np.unique_values: [(np.unique_values, (4,))],
    np.trim_zeros: [(lambda x: np.trim_zeros(x * np.array([0, 0, 1, 0, 1, 0.0])), (6,))],
    np.compress: [(lambda x: np.compress([True, False, True], x, axis=1), (2, 3))],
    np.extract: [(lambda x: np.extract(WHOLE > 2, x), (2, 3))],
    np.delete: [(lambda x: np.delete(x, 1), (2, 3)), (lambda x: np.delete(x, [0, 2], axis=1), (2, 3))],
    np.sum: [
        (np.sum, (2, 3)),
        (lambda x: np.sum(x, axis=0, keepdims=True), (3, 2)),
        (lambda x: np.sum(x, axis=(0, -1), where=x > 0, initial=2.0), (3, 2, 3)),
    ],
    np.mean: [(np.mean, (2, 3)), (lambda x: np.mean(x, axis=1, keepdims=True, where=WHOLE > 0), (2, 3))],
    np.var: [(np.var, (2, 3)), (lambda x: np.var(x, axis=0, ddof=1, keepdims=True), (3, 2))],
    np.std: [(np.std, (2, 3)), (lambda x: np.std(x, axis=(0, 1), ddof=1), (3, 2, 3))],
    np.max: [(np.max, (2, 3)), (lambda x: np.max(x, axis=1, keepdims=True), (2, 3)), (lambda x: np.max(x, (0, 2)), (2, 3, 2))],
    np.amax: [(lambda x: np.amax(x, axis=0, initial=0.1), (2, 3))],
    np.min: [(np.min, (2, 3)), (lambda x: np.min(x, axis=0), (2, 3))],
    np.amin: [(lambda x: np.amin(x, axis=-1, where=WHOLE > 0, initial=9.0), (2, 3))],
    np.prod: [(np.prod, (2, 3)), (lambda x: np.prod(x, axis=1, keepdims=True), (2, 3)), (lambda x: np.prod(x, (0, 2)), (2, 2, 2))],
    np.ptp: [(np.ptp, (2, 3)), (lambda x: np.ptp(x, axis=1), (2, 3))],
    np.average: [
        (np.average, (2, 3)),
        (lambda x, w: np.average(x, 1, np.exp(w)), (2, 3), (3,)),
        (lambda x, w: np.average(x, None, np.exp(w), True), (3,), (3,)),
    ],
    np.cumsum: [(np.cumsum, (2, 3)), (lambda x: np.cumsum(x, axis=0), (2, 3))],
    np.cumprod: [(np.cumprod, (2, 3)), (lambda x: np.cumprod(x, axis=0), (3, 2))],
    np.cumulative_sum: [(np.cumulative_sum, (3,)), (lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3))],
    np.cumulative_prod: [(lambda x: np.cumulative_prod(x, axis=0, include_initial=True), (2, 3))],
    np.nansum: [(lambda x: np.nansum(np.where(WHOLE == 2, np.nan, x), axis=0), (2, 3))],
    np.nanprod: [(lambda x: np.nanprod(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nancumsum: [(lambda x: np.nancumsum(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nancumprod: [(lambda x: np.nancumprod(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanmax: [(lambda x: np.nanmax(np.where(WHOLE == 2, np.nan, x), axis=0), (2, 3))],
    np.nanmin: [(lambda x: np.nanmin(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.nanmean: [(lambda x: np.nanmean(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanvar: [(lambda x: np.nanvar(np.where(WHOLE == 2, np.nan, x), axis=1), (2, 3))],
    np.nanstd: [(lambda x: np.nanstd(np.where(WHOLE == 2, np.nan, x)), (2, 3))],
    np.dot: [(np.dot, a, b) for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (4, 3, 2)), ((), (3,))]],
    np.inner: [(np.inner, (3,), (3,)), (np.inner, (2, 3), (4, 3)), (np.inner, (), (2,))],
    np.outer: [(np.outer, (3,), (2, 2))],
    np.vdot: [(np.vdot, (2, 3), (2, 3))],
    np.tensordot: [
        (np.tensordot, (2, 3, 2), (3, 2, 2)),
        (lambda a, b: np.tensordot(a, b, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 3)),
        (lambda a, b: np.tensordot(a, b, 0), (2,), (3,)),
    ],
    np.einsum: [
        (lambda a, b: np.einsum("ij,jk->ik", a, b), (2, 3), (3, 2)),
        (lambda a, b: np.einsum("ij,kj", a, b), (2, 3), (2, 3)),
        (lambda a: np.einsum("ii->i", a), (3, 3)),
        (lambda a: np.einsum("ii", a), (3, 3)),
        (lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True), (2, 3), (3, 2), (2, 2)),
        (lambda a, b: np.einsum("...ij,...j->...i", a, b), (3, 2, 3), (3,)),
        (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), (2, 3), (3, 2)),
    ],
    np.kron: [(np.kron, (2, 3), (3, 2)), (np.kron, (3,), (2, 2))],
    np.cross: [(np.cross, (2, 3), (3,)), (lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))],
    np.convolve: [(np.convolve, (4,), (3,)), (lambda a, v: np.convolve(a, v, "same"), (3,), (5,))],
    np.correlate: [(np.correlate, (5,), (3,)), (lambda a, v: np.correlate(a, v, "full"), (3,), (2,))],
    np.polymul: [(np.polymul, (3,), (2,))],
    L.matmul: [(L.matmul, (2, 3), (3, 2))],
    L.vecdot: [(L.vecdot, (2, 3), (3,))],
    L.outer: [(L.outer, (2,), (3,))],
    L.tensordot: [(lambda a, b: L.tensordot(a, b, axes=1), (2, 3), (3, 2))],
    L.cross: [(L.cross, (3,), (3,))],
    np.diff: [
        (np.diff, (2, 4)),
        (lambda x: np.diff(x, 2, 0), (4, 2)),
        (lambda x, y: np.diff(x, prepend=0, append=y), (3,), (2,)),
    ],
    np.ediff1d: [(np.ediff1d, (2, 3)), (lambda x: np.ediff1d(x, [1, 2], 3), (3,))],
    np.trapezoid: [(np.trapezoid, (2, 4)), (lambda y, x: np.trapezoid(y, x, axis=0), (3, 2), (3,))],
    np.gradient: [(np.gradient, (3, 4)), (lambda x: np.gradient(x, 0.5, axis=1, edge_order=2), (2, 4))],
    np.interp: [
        (lambda x: np.interp(x, [-1, 0, 0.7, 5], [1, 3, 0, 2.0], left=-1, right=4), (2, 3)),
        (lambda x, y: np.interp(x, np.sort(y), y * y), (4,), (3,)),
    ],
    np.sinc: [(np.sinc, (2, 3)), (lambda x: np.sinc(x * 0), (3,)), (lambda x: np.sinc(x / 20), (3,))],
    np.unwrap: [(lambda x: np.unwrap(7 * x), (2, 4))],
    np.nan_to_num: [(lambda x: np.nan_to_num(np.where(WHOLE == 1, np.nan, x), nan=3.0), (2, 3))],
    np.angle: [(np.angle, (3,)), (lambda x: np.angle(x + 1j * np.ones(3), deg=True), (3,))],
    np.real: [(np.real, (3,)), (lambda x: np.real(x * (1 + 2j) * x), (3,))],
    np.imag: [(lambda x: np.imag(x * (1 + 2j) * x), (3,))],
    np.real_if_close: [(lambda x: np.real_if_close(x * (1 + 0j)), (3,))],
    np.polyval: [(np.polyval, (3,), (2, 3)), (lambda x: np.polyval([1, 2, 3], x), (3,))],
    np.polyadd: [(np.polyadd, (3,), (2,))],
    np.polysub: [(np.polysub, (2,), (4,))],
    np.polyder: [(np.polyder, (4,)), (lambda p: np.polyder(p, 2), (4,))],
    np.polyint: [(np.polyint, (3,))],
    np.vander: [(np.vander, (3,)), (lambda x: np.vander(x, 4, increasing=True), (3,))],
    np.cov: [(np.cov, (3, 4)), (lambda x, y: np.cov(x, y, bias=True), (4,), (4,)), (lambda x: np.cov(x, rowvar=False), (4, 2))],
    np.corrcoef: [(np.corrcoef, (3, 4))],
    np.linspace: [(lambda a, b: np.linspace(a, b, 4), (), ()), (lambda a: np.linspace(a, 1.0, 3, endpoint=False, axis=1), (2,))],
    np.logspace: [(lambda a: np.logspace(a, 1.0, 3), ())],
    np.geomspace: [(lambda a: np.geomspace(np.exp(a), 2.0, 4), ())],
    np.bincount: [(lambda w: np.bincount([0, 2, 2, 1], w, 5), (4,))],
    np.piecewise: [(lambda x: np.piecewise(x, [x < 0, x >= 1], [np.sin, 2.0, lambda y: y**3]), (2, 3))],
    np.apply_along_axis: [
        (lambda x: np.apply_along_axis(np.prod, 0, x), (3, 2)),
        (lambda x: np.apply_along_axis(lambda r: r[:2] * r[1:], 0, x), (3, 2)),
    ],
    L.inv: [(lambda a: L.inv(spd(a)), (3, 3)), (lambda a: L.inv(spd(a)), (2, 3, 3))],
    L.solve: [
        (lambda a, b: L.solve(spd(a), b), (3, 3), (3,)),
        (lambda a, b: L.solve(spd(a), b), (2, 3, 3), (3, 2)),
        (lambda a, b: L.solve(spd(a), b), (3, 3), (2, 3, 1)),
    ],
    L.det: [(L.det, (3, 3)), (L.det, (2, 2, 2)), (lambda a: L.det(a * np.array([[1], [0]]) + 0), (2, 2))],
    L.slogdet: [(L.slogdet, (3, 3)), (L.slogdet, (2, 2, 2))],
    L.cholesky: [
        (lambda a: L.cholesky(spd(a)), (3, 3)),
        (lambda a: L.cholesky(spd(a), upper=True), (2, 2, 2)),
        (lambda a: L.cholesky(np.tril(a) + 9 * np.eye(3)), (3, 3)),
    ],
    L.eigh: [
        (lambda a: L.eigh(spd(a))[0], (2, 3, 3)),
        (lambda a: L.eigh(a, "U").eigenvalues, (3, 3)),
        (lambda a: L.eigh(a)[1] ** 2, (3, 3)),
    ],
    L.eigvalsh: [(L.eigvalsh, (3, 3))],
    L.eigvals: [],
    L.pinv: [(L.pinv, (3, 2)), (L.pinv, (2, 2, 3))],
    L.lstsq: [(lambda a, b: L.lstsq(a, b)[:2], (4, 2), (4,)), (lambda a, b: L.lstsq(a, b)[0], (2, 3), (2, 2))],
    L.matrix_power: [(lambda a, n=n: L.matrix_power(a, n), (3, 3)) for n in (0, 1, 2, 5, -2)],
    L.multi_dot: [(lambda *arrays: L.multi_dot(arrays), (3,), (3, 2), (2, 4))],
    L.tensorinv: [(lambda a: L.tensorinv(a + np.eye(4).reshape(2, 2, 4) * 3), (2, 2, 4))],
    L.tensorsolve: [(lambda a, b: L.tensorsolve(a + np.eye(4).reshape(2, 2, 4) * 3, b), (2, 2, 4), (2, 2))],
    L.svd: [
        (lambda a: [part**2 for part in L.svd(a, full_matrices=False)], (3, 2)),
        (lambda a: [part**2 for part in L.svd(a, full_matrices=False)], (2, 2, 3)),
        (lambda a: L.svd(a).S, (2, 2)),
        (lambda a: L.svd(a, compute_uv=False), (3, 3)),
    ],
    L.svdvals: [(L.svdvals, (2, 3, 2))],
    L.qr: [
        (lambda a: tuple(L.qr(a)), (4, 2)),
        (lambda a: tuple(L.qr(a)), (2, 2, 3)),
        (lambda a: L.qr(a, "r"), (3, 3)),
    ],
    L.norm: [
        *[(lambda x, o=o: L.norm(x, o), (5,)) for o in (None, 1, 2, 3, 0, np.inf, -np.inf)],
        *[(lambda x, o=o: L.norm(x, o), (3, 2)) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        (lambda x: L.norm(x, axis=1, keepdims=True), (2, 3)),
        (lambda x: L.norm(x, "nuc", axis=(0, 2)), (2, 3, 2)),
    ],
    L.vector_norm: [(L.vector_norm, (2, 3)), (lambda x: L.vector_norm(x, axis=0, ord=3, keepdims=True), (2, 3))],
    L.matrix_norm: [(L.matrix_norm, (2, 3, 2)), (lambda x: L.matrix_norm(x, ord=2, keepdims=True), (3, 2))],
    L.cond: [(L.cond, (3, 3)), (lambda x: L.cond(x, 1), (3, 3)), (lambda x: L.cond(x, -2), (3, 2))],
    **{
        getattr(F, name): [(lambda x, f=getattr(F, name): real_parts(f(x, 4)), (2, 3)), (lambda x, f=getattr(F, name): real_parts(f(x, axis=0)), (4, 2))]
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    },
    **{
        getattr(F, name): [(lambda x, f=getattr(F, name): real_parts(f(x)), (3, 4)), (lambda x, f=getattr(F, name): real_parts(f(x, axes=(0, 1))), (4, 3, 2))]
        for name in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
    },
    F.fftshift: [(F.fftshift, (3, 4)), (lambda x: F.fftshift(x, axes=0), (3, 4))],
    F.ifftshift: [(F.ifftshift, (3, 4)), (lambda x: F.ifftshift(x, axes=(1,)), (3, 4))],
    np.zeros_like: [(copied_into, (2, 3), (3,))],
    np.copyto: [(copied_into, (2, 3), (2, 3))],
    np.ones_like: [(lambda x: np.ones_like(x) * x, (3,))],
    np.empty_like: [(lambda x: np.full_like(x, 2.0) * x, (3,))],
    np.full_like: [(lambda x, v: np.full_like(x, v) * x, (3,), ())],
    np.put: [(filled(lambda x, v: np.put(x, [0, 4], v)), (2, 3), (2,))],
    np.place: [(filled(lambda x, v: np.place(x, WHOLE > 2, v)), (2, 3), (2,))],
    np.putmask: [(filled(lambda x, v: np.putmask(x, WHOLE > 2, v)), (2, 3), (2, 3))],
    np.put_along_axis: [(filled(lambda x, v: np.put_along_axis(x, WHOLE[:, :2] % 3, v, axis=1)), (2, 3), (2, 2))],
    np.fill_diagonal: [(filled(np.fill_diagonal), (3, 3), ()), (filled(np.fill_diagonal), (3, 3), (3,))],
}  # fmt: skip
FORMS = [(function, *case) for function, cases in CASES.items() for case in cases]


def named(value):
    return getattr(value, "__name__", None) if callable(value) else "x".join(map(str, value)) or "scalar"


@pytest.mark.parametrize(("function", "call", "shapes"), [(f, call, shapes) for f, call, *shapes in FORMS])
def test_derivatives_to_second_order(function, call, shapes):
    rng = np.random.default_rng(7)
    check_derivatives(call, *(rng.normal(size=shape) for shape in shapes))


def test_every_rule_has_a_case():
    assert set(CASES) == set(FUNCTIONS)
