"""Options: a dual has the value, the type and the errors that NumPy gives its value."""

import warnings

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives
from tests.core.dual.likeness import X, compare, dual


def called(text, x):
    """What an expression in x and a copy y to write into gives, without NumPy's warnings at edges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return eval(text, {"np": np, "x": x, "y": x * 2})


TYPES = [
    f"{call}, dtype=np.{dtype})"
    for dtype in ("float32", "float16", "complex128")
    for call in (
        "np.sum(x", "np.sum(x, axis=0", "np.prod(x, 1", "np.mean(x", "np.mean(x, axis=1, where=x > 0", "np.cumsum(x",
        "np.cumprod(x, axis=1", "np.cumulative_sum(x, axis=0", "np.nansum(x", "np.nanprod(x", "np.trace(x",
        "np.add.reduce(x", "np.multiply.accumulate(x", "np.linspace(x, 3.0, 4", "np.logspace(x, 3.0, 4",
        "np.geomspace(x, 3.0 * x, 4, endpoint=False", "np.concatenate([x, x]", "np.stack([x, x]", "np.vstack([x, x]",
        "np.zeros_like(x", "np.full_like(x, 2.5",
    )
] + ["np.var(x, dtype=np.float16)", "np.std(x, axis=0, ddof=1, dtype=np.float16)"]  # fmt: skip


@pytest.mark.parametrize("text", TYPES)
def test_results_in_another_type(text):
    compare(called(text, dual(X)), called(text, X))


@pytest.mark.parametrize("text", [text for text in TYPES if "float16" in text and "_like" not in text])
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_a_type_that_holds_no_derivative_is_refused(text, dtype):
    with pytest.raises(TypeError, match=f"dtype={dtype} would drop the derivative"):
        called(text.replace("float16", dtype), dual(X))


@pytest.mark.parametrize("dtype", [int, bool])
def test_an_array_like_a_dual_of_a_type_without_derivatives_is_plain(dtype):
    for made in (np.zeros_like(dual(X), dtype), np.ones_like(dual(X), dtype), np.full_like(dual(X), 2.5, dtype)):
        assert type(made) is np.ndarray and (made.dtype, made.shape) == (dtype, X.shape)


SEQUENCES = [
    "np.linspace(x, 2.0, 1)", "np.linspace(x, 2.0, 0)", "np.linspace(x, 2.0, 3, axis=-1)",
    "np.linspace(x, 2.0, 3, retstep=True)", "np.linspace(1, x, 5, endpoint=False, retstep=True)",
    "np.logspace(x, 1.0, 3, base=2)", "np.logspace(1.0, x[0], 3, base=[[2.0], [3.0]])",
    "np.logspace(x[0], 1.0, 2, base=[[2.0], [3.0]], axis=-1)", "np.geomspace(x, 2 * x, 3, axis=1)",
    "np.geomspace(-1.0, -np.abs(x), 4)", "np.geomspace(1.0, np.abs(x), 4, endpoint=False)",
]  # fmt: skip


@pytest.mark.parametrize("text", SEQUENCES)
def test_sequences(text):
    compare(called(text, dual(X)), called(text, X))
    check_derivatives(lambda x: called(text.replace(", retstep=True", ""), x), X)


OPTIONS = [
    *(f"np.insert(x, {where}, {values}, axis={axis})"
      for where, values, axis in ((0, "x[:, 0]", 1), (-1, "[7.0, 8.0, 9.0]", 0), ([0, 2], "7.0", 1),
                                  ([1, 1], "x[1]", 0), ("slice(0, 2)", "x[0, 0]", None), ([], "[]", 1))),
    *(f"np.trim_zeros(np.pad(x, ((2, 1), (0, 3))), {trim!r}, axis={axis})"
      for trim in ("fb", "F", "b") for axis in (None, 0, -1, (0, 1), ())),
    "np.trim_zeros(0 * x)", "np.trim_zeros(0 * x, 'b', axis=1)", "np.diff(x, 0, prepend=0)",
    *(f"np.choose([{places}, 0], [x[0, :2], 7.0, x[:, 0]], mode={mode!r})"
      for places, mode in ((2, "raise"), (-1, "wrap"), (9, "clip"))),
    "np.take(x, [])", "np.take(x, [-7, 9], mode='clip')", "np.take(x, [[4]], 1, mode='wrap')",
    "np.nan_to_num(np.where(x > 4.5, np.nan, x), copy=False, nan=2.0)",
    "np.average(x, axis=1, returned=True)", "np.average(x, axis=(0, 1), weights=np.abs(x), keepdims=True)",
    "np.average(x, axis=1, weights=[1.0, 2.0, 4.0], returned=True)", "np.pad(x, 1, 'mean', stat_length=2)",
    "np.atleast_1d(x, x[0, 0])", "np.atleast_3d(x[0], 2.0, x)", "np.interp(x, [4.0], x[:1, 0])",
    "np.linalg.svd(x[:, :2], hermitian=True)", "np.linalg.svd(x[:, :2], hermitian=True, compute_uv=False)",
    "np.linalg.pinv(x[:, :2], hermitian=True)", "np.maximum.accumulate(x[0], axis=None)",
    "np.add.accumulate(x, axis=(1,))", "np.linalg.multi_dot([x.T, x, x[0]])", "np.split(x, np.int64(3), axis=1)",
    "np.select([[True, False, True]], [x], 2.0)", "np.tensordot(x, x, np.int64(2))",
    "np.pad(x, (1, 2), 'linear_ramp', end_values=3.0)", "np.vander(x[0], 0)", "np.polyfit(x[0], x[1], 1.5)",
]  # fmt: skip


@pytest.mark.parametrize("text", OPTIONS)
def test_options(text):
    compare(called(text, dual(X)), called(text, X))
    check_derivatives(lambda x: called(text, x), X)


def test_in_place_without_a_copy():
    x = dual(np.array([np.nan, 2.0]))
    assert np.nan_to_num(x, copy=False) is x
    assert x.primal.tolist() == [0, 2] and x.tangent.tolist() == [[0, 1]] * 2


@pytest.mark.parametrize(
    "text", ["np.delete(X, x)", "np.insert(X, x, 1.0)", "np.choose(x, [X, X])", "np.take_along_axis(X, x, 0)"]
)
def test_a_dual_is_no_index(text):
    with pytest.raises(TypeError, match="an index cannot be a dual"):
        eval(text, {"np": np, "X": X, "x": dual(X)})


WRITES = [
    *(f"np.put(y, {places}, {values}, mode={mode!r})"
      for places, mode in (("[[-1, 2], [3, 2]]", "raise"), ("[9, -8]", "clip"), ("[9, -8]", "wrap"))
      for values in ("7.0", "x[0, :1]", "[7.0, 8.0]", "x", "[]")),
    *(f"np.{function}(y, x > {bound}, {values})"
      for function in ("place", "putmask") for bound in (2, 99) for values in ("7.0", "x[0, :2]", "x")),
    *(f"np.put_along_axis(y, np.array({indices}), x[0, 0], axis={axis})"
      for indices, axis in (("[[2]]", 1), ("[[1, 0]]", -1), ("[[0, 1, 1]]", 0), ("[4, -1]", None))),
    *(f"np.fill_diagonal({target}, {values}, wrap={wrap})"
      for target in ("y", "y.T", "y[:, :2]", "np.stack([y, y])[:, :, :2]") for wrap in (False, True)
      for values in ("7.0", "x[0]", "[7.0]", "x[0, :2]")),
    "np.fill_diagonal(y.T[:, :1], x[0, :2], wrap=True)",
    "np.copyto(y, x[0], where=[True, False, True])",
    "np.copyto(y, 3, casting='safe')",
    "np.add.reduce(x, axis=1, where=x > 2, out=y[:, 0])", "np.clip(x[0], 0, 4, out=y)",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITES)
def test_writing_into(text):
    compare(*(called(f"({text}, y)[1]", x) for x in (dual(X), X)))
    check_derivatives(lambda x: called(f"({text}, y)[1]", x), X)


ERRORS = [
    "np.put(y, 6, 1.0)", "np.put(y, [-7], 1.0, mode='raise')", "np.put(y, [0], 1.0, mode='bogus')",
    "np.place(y, x > 2, [])", "np.place(y, x[0] > 2, 1.0)", "np.putmask(y, x[0] > 2, 1.0)",
    "np.put_along_axis(y, np.array([[3]]), 1.0, axis=1)", "np.put_along_axis(y, np.array([0]), 1.0, axis=1)",
    "np.put_along_axis(y, np.array([[0, 1]]), [1.0, 2.0, 3.0], axis=1)",
    "np.fill_diagonal(y[0], 1.0)", "np.fill_diagonal(np.stack([y, y]), 1.0)",
    "np.linspace(x, 2.0, -1)", "np.linspace(x, 2.0, 2.5)", "np.geomspace(x, 0.0, 3)", "np.geomspace(0 * x, 1.0, 3)",
    "np.concatenate([x, x * 1j], dtype=float)", "np.concatenate([x, x], dtype=np.float32, casting='safe')",
    "np.hstack([x, x * 1j], casting='no')", "np.stack([x, x], casting='bogus')",
    "np.copyto(np.zeros_like(x), x * 1j)", "np.copyto(np.zeros_like(x, dtype=np.float32), x, casting='safe')",
]  # fmt: skip

ERRORS += [
    "np.insert(x, 7, 1.0)", "np.insert(x, 0, 1.0, axis=2)", "np.insert(x, 0, [1.0, 2.0], axis=0)",
    "np.trim_zeros(x, 'x')", "np.trim_zeros(x, axis=2)", "np.diff(x, -1)", "np.diff(x[0, 0])",
    "np.choose([0, 7], [x[0, :2], 7.0])", "np.select([x > 1], [x, -x])", "np.select([], [x])",
    "np.clip(x, 0, 1, min=0)", "np.interp(x, [0.0, 1.0], [1.0, 2.0, 3.0])", "np.interp(x, [], [])",
    "np.cov(x, ddof=0.5)", "np.diag(x[None])", "np.vsplit(x[0], 1)", "np.dsplit(x, 1)",
    "np.meshgrid(x, x, indexing='x')",
    "np.average(x, weights=0 * x)", "np.average(x, weights=[1.0, 2.0])", "np.average(x, axis=0, weights=[1.0, -1.0])",
    "np.linalg.eigh(x[:, :2], UPLO='X')", "np.linalg.eigvalsh(x[:, :2], 'X')", "np.linalg.matrix_power(x[:, :2], 1.5)",
    "np.pad(x, -1, 'linear_ramp')", "np.pad(x, 1.5, 'mean')", "np.pad(x, 1, 'edge', stat_length=1)",
    "np.pad(x, 1, 'mean', constant_values=1)", "np.pad(x, 1, 'bogus')", "np.vander(x[0], -1)", "np.vander(x[0], 2.5)",
    "np.vander(x)", "np.polyfit(x[0], x[1], -1)", "np.polyfit(x[0, :0], x[1, :0], 1)", "np.polyfit(x, x, 1)",
    "np.linalg.matrix_power(x, 0)", "np.linalg.matrix_power(x, 1)", "np.linalg.outer(x, x[0])", "x.item()",
    "np.polyfit(x[0], x[1, :2], 1)", "np.polyfit(x[0], x[1], 1, w=x[1, :2])",
]  # fmt: skip


ERRORS += [
    *(f"np.{function}(x[0], where=np.ones((4, 3), bool), axis={axis})"
      for function in ("sum", "prod", "mean", "nansum") for axis in (None, 0)),
    *(f"np.{call}, out=np.zeros_like(x))"
      for call in ("sum(x, axis=0", "sum(x", "max(x, axis=0", "mean(x, axis=0", "median(x, axis=0", "nansum(x, axis=0",
                   "add.reduce(x, axis=0", "add.accumulate(x[0]", "take(x[0], [0, 1, 2]", "einsum('ij->j', x",
                   "dot(x, x[0]", "trace(x", "concatenate([x[0]]", "stack([x[0]]", "fft.fft(x[0]", "argmax(x, axis=0")),
    "np.tensordot(x, x.T, ([5], [0]))", "np.tensordot(x, x.T, ([1], [0, 1]))", "np.tensordot(x, np.ones((3, 2)), 2)",
    "np.tensordot(x, x, ([1], [0]))", "np.tensordot(x, x.T, 3)", "np.inner(x, x[0, :2])", "np.dot(x, x.T[:, :, None])",
    "np.cov(np.stack([x.T @ x] * 3))", "np.corrcoef(np.stack([x.T @ x] * 3))", "np.cov(x, x[None])",
    "np.compress([[1, 0], [1, 1]], x)",
    "np.select([np.array([1, 0, 1])], [x])", "np.block([[x], x])", "np.block([[], [x]])", "np.block([[x], []])",
    "np.linalg.multi_dot([x])", "np.linalg.multi_dot([x, x[None], x])", "np.gradient(x[:, :2], np.arange(2.0))",
    "np.gradient(x, 1.0, 2.0, axis=0)", "np.gradient(x, 1.0, 2.0, 3.0)", "np.cumprod(x, axis=(0,))",
    "np.cumsum(x, axis=(0,))", "np.add.accumulate(x, axis=None)", "np.multiply.accumulate(x, axis=None)",
    "np.minimum.accumulate(x, axis=None)", "np.split(x[0], np.int64(2))", "np.einsum(x, [0, -1])",
    "np.einsum(x, [0, 52])", "np.ediff1d([1, 2], x[0])", "np.pad(x, {2: 1})", "np.pad(x, 1, end_values={0: 1})",
    "np.pad(x, {0: 1.5})", "np.ravel(x, 'X')",
    *(f"np.linalg.{call})" for call in ("norm(x[0], 'fro'", "norm(x, 'nuc', axis=1", "vector_norm(x, ord='fro'")),
]  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_errors_have_numpys_type(text):
    with pytest.raises(Exception) as expected:
        called(text, X)
    with pytest.raises(expected.type):
        called(text, dual(X))


@pytest.mark.parametrize(
    "text", ["np.put(zeros, 0, x)", "np.place(zeros, [1, 0], x)", "np.copyto(zeros, x)", "np.add.at(zeros, 0, x)"]
)
def test_a_plain_array_cannot_be_written_into(text):
    with pytest.raises(TypeError, match=r"needs a dual to write into: make it with np\.zeros_like\(dual\)"):
        eval(text, {"np": np, "zeros": np.zeros(2), "x": dual(X[0, :1])})
