"""A check of derivatives by differences, for one's own functions and rules."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.dual.transforms import jvp

STEP = float(np.cbrt(np.finfo(float).eps))  # where truncation and round-off of a central difference balance
DIRECTION_AXES = ((), (3,), (2, 3))


def check_derivatives(
    f: Callable[..., Any], *arguments: Any, order: int = 2, tolerance: float = 2e-6, seed: int = 0
) -> None:
    """Compare the derivatives of `f(*arguments)` up to an order with central differences along random directions.

    The arguments are floats or complex arrays; f must be smooth within about 1e-5 of them. Directions are pushed alone,
    three at once and in two axes. AssertionError tells what differs.

    >>> check_derivatives(lambda x: np.sin(x) * x, np.array([0.3, 2.0]))
    """
    rng = np.random.default_rng(seed)
    arguments = tuple(np.asarray(x) if np.iscomplexobj(x) else np.asarray(x, float) for x in arguments)
    for axes in DIRECTION_AXES:
        compare(f, arguments, tuple(drawn(rng, axes + x.shape, x.dtype) for x in arguments), axes, tolerance)
    if order > 1:
        along = tuple(drawn(rng, x.shape, x.dtype) for x in arguments)
        check_derivatives(
            lambda *xs: jvp(f, xs, along)[1], *arguments, order=order - 1, tolerance=4 * tolerance, seed=seed + 1
        )


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """A random tangent of length around 1 in each element."""
    tangent = rng.normal(size=shape)
    return tangent + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else tangent


def compare(f: Callable[..., Any], arguments: Any, tangents: Any, axes: tuple[int, ...], tolerance: float) -> None:
    """One call of jvp with many directions beside a difference for each of them."""
    values, found = (parts(result) for result in jvp(f, arguments, tangents))
    for value, expected in zip(values, parts(f(*arguments)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12, err_msg="the value")
    for k in np.ndindex(axes):
        expected = difference(f, arguments, tuple(t[k] for t in tangents))
        for tangent, slope in zip(found, expected, strict=True):
            scale = 1 + np.max(np.abs(slope), initial=0)
            np.testing.assert_allclose(
                tangent[k], slope, rtol=tolerance, atol=tolerance * scale, err_msg=f"direction {k} of axes {axes}"
            )


def difference(f: Callable[..., Any], arguments: Any, tangents: Any) -> list[Any]:
    """(f(x + h·t) - f(x - h·t)) / 2h, of fourth order with a second pair of points at 2h."""

    def at(h: float) -> list[Any]:
        return parts(f(*(x + h * t for x, t in zip(arguments, tangents, strict=True))))

    near = [(a - b) / (2 * STEP) for a, b in zip(at(STEP), at(-STEP), strict=True)]
    far = [(a - b) / (4 * STEP) for a, b in zip(at(2 * STEP), at(-2 * STEP), strict=True)]
    return [(4 * n - m) / 3 for n, m in zip(near, far, strict=True)]


def parts(result: Any) -> list[Any]:
    """The arrays of floats in a result."""
    if isinstance(result, tuple | list):
        return [part for one in result for part in parts(one)]
    array = np.asarray(result)
    return [array.astype(float) if array.dtype.kind in "biu" else array]
