"""A check of derivatives by differences, for one's own functions and rules."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual.transforms import jvp

STEP = float(np.cbrt(np.finfo(float).eps))  # where truncation and round-off of a central difference balance
AXES = (2, 3)  # direction axes, one of a length that small data often have too


def check_derivatives(
    f: Callable[..., Any], *arguments: Any, order: int = 2, tolerance: float = 2e-6, seed: int = 0
) -> None:
    """Compare the derivatives of `f(*arguments)` up to an order with a central difference along a random direction.

    The arguments are floats or complex arrays; f must be smooth within about 1e-5 of them. Directions are pushed alone,
    three at once and in two axes. AssertionError tells what differs.

    >>> check_derivatives(lambda x: np.sin(x) * x, np.array([0.3, 2.0]))
    """
    rng = np.random.default_rng(seed)
    arguments = tuple(np.asarray(x) if np.iscomplexobj(x) else np.asarray(x, float) for x in arguments)
    tangents = tuple(drawn(rng, AXES + x.shape, x.dtype) for x in arguments)
    compare_value(f, arguments, tangents)
    compare_slope(f, arguments, tuple(t[0, 0] for t in tangents), tolerance)
    compare_directions(f, arguments, tangents)
    if order > 1:
        along = tuple(t[-1, -1] for t in tangents)
        check_derivatives(
            lambda *xs: jvp(f, xs, along)[1], *arguments, order=order - 1, tolerance=4 * tolerance, seed=seed + 1
        )


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """A random tangent of length around 1 in each element."""
    tangent = rng.normal(size=shape)
    return tangent + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else tangent


def compare_value(f: Callable[..., Any], arguments: Any, tangents: Any) -> None:
    """The value is the one without tangents."""
    for value, expected in zip(parts(jvp(f, arguments, tangents)[0]), parts(f(*arguments)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12, err_msg="the value")


def compare_slope(f: Callable[..., Any], arguments: Any, tangents: Any, tolerance: float) -> None:
    """The tangent along one direction is the difference along it."""
    found = parts(jvp(f, arguments, tangents)[1])
    for tangent, slope in zip(found, difference(f, arguments, tangents), strict=True):
        scale = 1 + np.max(np.abs(slope), initial=0)
        np.testing.assert_allclose(tangent, slope, rtol=tolerance, atol=tolerance * scale, err_msg="the tangent")


def compare_directions(f: Callable[..., Any], arguments: Any, tangents: Any) -> None:
    """Many directions at once, in one axis and in two, give what each gives alone, and none give none."""
    alone = [parts(jvp(f, arguments, tuple(t[k] for t in tangents))[1]) for k in np.ndindex(AXES)]
    together = parts(jvp(f, arguments, tangents)[1])
    row = parts(jvp(f, arguments, tuple(t[0] for t in tangents))[1])
    none = parts(jvp(f, arguments, tuple(t[:0, 0] for t in tangents))[1])
    assert [part.shape for part in none] == [(0, *part.shape) for part in alone[0]], "no directions"
    for place, (one_axis, two_axes) in enumerate(zip(row, together, strict=True)):
        expected = np.reshape(np.stack([found[place] for found in alone]), two_axes.shape)
        atol = 1e-9 * (1 + np.max(np.abs(expected), initial=0))
        np.testing.assert_allclose(one_axis, expected[0], rtol=1e-9, atol=atol, err_msg="one axis of directions")
        np.testing.assert_allclose(two_axes, expected, rtol=1e-9, atol=atol, err_msg="two axes of directions")


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
