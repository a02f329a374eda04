"""Results share elements where NumPy's do, with any number of directions and whatever is written afterwards."""

import numpy as np
import pytest

from dualtrain.core.dual import gradient, jacobian, jvp

X = np.array([0.3, -1.2, 0.7])

# what NumPy makes read-only views of, of duals that have no tangent when the view is taken
READ_ONLY = {
    "broadcast_to": "y = np.zeros_like(x); v = np.broadcast_to(y, (2, 3)); y[...] = x",
    "diagonal": "y = np.zeros_like(x, shape=(3, 3)); v = np.diagonal(y); y[...] = np.outer(x, x)",
    "broadcast_arrays": "y = np.ones_like(x); v, _ = np.broadcast_arrays(y, np.zeros((2, 3))); y *= x",
    "diag": "y = np.zeros_like(x, shape=(3, 3)); v = np.diag(y); y += np.outer(x, x)",
    "a view of one": "y = np.zeros_like(x); v = np.broadcast_to(y, (2, 3))[0]; y[...] = x",
}
SCALARS = {
    "indexed": "y = np.mean(x); v = y[...]; v *= 2",
    "atleast_1d": "y = x.sum(); v = np.atleast_1d(y); v /= 3",
    "ravel": "y = x.max(); v = np.ravel(y); v[0] = 5.0",
    "None": "y = np.dot(x, x); v = y[None]; v *= y",
    "reshape": "y = np.sum(x); v = np.reshape(y, 1); v += 1",
    "copy": "y = np.copy(np.sum(x)); v = np.subtract(y, 1.0, out=y)",
}
COPIES = {
    "ravel of a reversed vector": "y = x * 1.0; v = np.ravel(y[::-1]); v *= 2",
    "ravel of a column": "y = np.outer(x, x); v = y[:, 1].ravel(); v[0] = 0.0",
    "later changes": "y = np.outer(x, x); v = y[:, 0].ravel(); y *= 2",
    "copy keeps the order": "y = np.copy(np.outer(x, x).T); v = y.reshape(-1); v *= 2",
    "flatten": "y = np.outer(x, x); v = y.flatten('K'); v *= 2",
}
ORDERS = {
    "F of a vector": "y = x * 1.0; v = y.reshape((1, -1), order='F'); v *= 2",
    "ravel": "y = x.copy(); v = y.ravel(order='F'); v[0] = 5.0",
    "filled": "y = np.zeros_like(x, shape=(6,)); v = y.reshape((2, 3), order='F'); v[0] = x",
    "A": "y = np.outer(x, x); v = y.T.reshape(-1, order='A'); v *= 2",
    "after fancy indexing": "y = np.outer(x, x)[[0, 2]]; v = y.reshape(-1); v *= np.arange(6)",
    "fancy columns": "y = np.outer(x, x)[:, [0, 2]].T; v = y.reshape(-1); v *= np.arange(6)",
    "quantile": "y = np.quantile(np.outer(x, x), [.2, .6], axis=1); v = y.ravel(); v[0] = 0",
    "pad": "y = np.pad(np.outer(x, x), (0, 1), mode='linear_ramp'); v = y.ravel(order='F'); v[0] = 3",
    "repeated axes": "y = np.broadcast_to(x * 1.0, (2, 3)); v = y.ravel(order='K'); v[0] = 3",
    "cumprod": "y = np.multiply.accumulate(np.broadcast_to(x, (2, 3))); v = y.reshape(-1); v[0] = 3",
    "insert": "y = np.insert(np.outer(x, x).T, 1, 0.5, axis=0); v = y.ravel(order='F'); v[0] = 3",
}
RESULTS = {
    "svdvals": "y = np.linalg.svdvals(np.outer(x, x) + np.diag([1.0, 2, 3])); v = y[:2]; v *= 2",
    "svd": "y = np.linalg.svd(np.outer(x, x) + np.diag([1.0, 2, 3]))[1]; v = y; y[1:][...] = 0.0",
    "rows of svd": "y = np.linalg.svd(np.outer(x, x) + np.diag([1.0, 2, 3]))[2]; v = y[0].reshape(-1); v *= 2",
    "eigvals": "y = np.linalg.eigvals(np.outer(x, x) + np.diag([1.0, 2, 3])); v = y[:1]; v *= 2",
    "max": "y = np.max(np.outer(x, [1.0, 2.0]), keepdims=True); v = y.T; v *= 2",
}
WINDOWS = {
    "later change": "y = x * 1.0; v = np.lib.stride_tricks.sliding_window_view(y, 2); y *= 2",
    "zeros": "y = np.zeros_like(x, shape=(5,)); v = np.lib.stride_tricks.sliding_window_view(y, 3); y[1:4] = x",
    "written": "y = np.zeros_like(x, shape=(6,));"
    "v = np.lib.stride_tricks.sliding_window_view(y, 3, writeable=True); v[0] = x",
    "einsum": "y = np.outer(x, x); v = np.einsum('ii->i', y); v *= 2",
    "an argument": "y = np.outer(x, x); v = np.lib.stride_tricks.sliding_window_view(x, 2)",
}
PARTS = {
    "transform": "y = np.fft.ifft(np.fft.fft(x) * 2).real; v = y",
    "square": "y = (x * x).real; v = y",
    "times": "y = x * 1.0; y.real *= 3; v = y",
    "masked": "y = x - 0.5; y.real[y.real < 0] = 0; v = y.imag",
    "of complex": "y = x + 2j * x * x; v = y.imag; v *= 3; y.real[0] = x[1]; y = np.abs(y)",
}
PROGRAMS = {
    f"{kind}: {name}": text
    for kind, texts in {
        "read-only views": READ_ONLY, "scalars": SCALARS, "copies": COPIES, "orders": ORDERS,
        "results": RESULTS, "windows": WINDOWS, "parts": PARTS,
    }.items()
    for name, text in texts.items()
}  # fmt: skip


def function(text):
    """The program as a function whose results are what it wrote into and the array that it took of it."""
    code = compile(text, "program", "exec")

    def call(x):
        names = {"np": np, "x": x}
        exec(code, names)
        return np.concatenate([np.ravel(np.real(names["y"])), np.ravel(np.real(names["v"]))])

    return call


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_programs_share_what_numpys_share(text):
    f, h = function(text), 1e-6
    X.flags.writeable = False
    differences = np.stack([(f(X + h * e) - f(X - h * e)) / (2 * h) for e in np.eye(3)], axis=-1)
    value, tangent = jvp(f, (X,), (np.ones(3),))
    np.testing.assert_allclose(value, f(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(tangent, differences.sum(-1), atol=1e-6)
    np.testing.assert_allclose(jacobian(f)(X), differences, atol=1e-6)


def test_an_argument_that_is_a_number_is_a_scalar():
    def changed(t):
        a = t.copy()
        v = a[...]
        v **= 2
        return a

    assert jvp(changed, (np.float64(3.0),), (1.0,)) == (3, 1)
    assert gradient(changed)(3.0) == 1
    assert changed(np.float64(3.0)) == 3 and changed(np.array(3.0)) == 9
    assert jvp(changed, (np.array(3.0),), (1.0,)) == (9, 6)


def test_second_derivatives_through_read_only_views():
    x = np.array([[-0.372, 0.1001], [-0.0678, 0.5318]])
    v = np.array([[1.0, 2], [3, 4]])

    def f(y):
        a = np.abs(y)
        d = np.diagonal(a.T)
        np.putmask(a, a > 0, np.prod(d, keepdims=True))
        return np.sum(d)

    second = jvp(lambda q: jvp(f, (q,), (v,))[1], (x,), (v,))[1]
    np.testing.assert_allclose(second, -16)


def test_one_direction_and_many_change_alike():
    x = np.array([[0.3, 0.5], [-1.2, 0.1], [0.7, 2.0]])

    def f(x):
        a = np.max(x, keepdims=True)
        b = a.T
        b *= 2
        return a

    for directions in (np.ones((3, 2)), np.ones((2, 3, 2))):
        assert jvp(f, (x,), (directions,))[0].tolist() == [[4.0]]
