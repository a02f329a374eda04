"""A check of derivatives by differences, for one's own functions and rules."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual.transforms import jvp

_STEP = float(np.cbrt(np.finfo(float).eps))  # where truncation and round-off of a central difference balance
_AXES = (2, 3)  # direction axes, one of a length that small data often have too


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
    tangents = tuple(_random_tangent(rng, _AXES + x.shape, x.dtype) for x in arguments)
    _compare_value(f, arguments, tangents)
    _compare_slope(f, arguments, tuple(t[0, 0] for t in tangents), tolerance)
    _compare_directions(f, arguments, tangents)
    if order > 1:
        along = tuple(t[-1, -1] for t in tangents)
        check_derivatives(
            lambda *xs: jvp(f, xs, along)[1], *arguments, order=order - 1, tolerance=4 * tolerance, seed=seed + 1
        )


def _random_tangent(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return a random tangent of length around 1 in each element."""
    tangent = rng.normal(size=shape)
    return tangent + 1j * rng.normal(size=shape) if np.dtype(dtype).kind == "c" else tangent


def _compare_value(f: Callable[..., Any], arguments: Any, tangents: Any) -> None:
    """Return the value is the one without tangents."""
    for value, expected in zip(_parts(jvp(f, arguments, tangents)[0]), _parts(f(*arguments)), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12, err_msg="the value")


def _compare_slope(f: Callable[..., Any], arguments: Any, tangents: Any, tolerance: float) -> None:
    """Return the tangent along one direction is the difference along it."""
    result = _parts(jvp(f, arguments, tangents)[1])
    for tangent, slope in zip(result, _difference(f, arguments, tangents), strict=True):
        scale = 1 + np.max(np.abs(slope), initial=0)
        np.testing.assert_allclose(tangent, slope, rtol=tolerance, atol=tolerance * scale, err_msg="the tangent")


def _compare_directions(f: Callable[..., Any], arguments: Any, tangents: Any) -> None:
    """Compare many directions at once, in one axis and in two, with each alone; none give none."""
    alone = [_parts(jvp(f, arguments, tuple(t[k] for t in tangents))[1]) for k in np.ndindex(_AXES)]
    structured = _parts(jvp(f, arguments, tangents)[1])
    row = _parts(jvp(f, arguments, tuple(t[0] for t in tangents))[1])
    none = _parts(jvp(f, arguments, tuple(t[:0, 0] for t in tangents))[1])
    assert [part.shape for part in none] == [(0, *part.shape) for part in alone[0]], "no directions"
    for place, (one_axis, two_axes) in enumerate(zip(row, structured, strict=True)):
        expected = np.reshape(np.stack([result[place] for result in alone]), two_axes.shape)
        atol = 1e-9 * (1 + np.max(np.abs(expected), initial=0))
        np.testing.assert_allclose(one_axis, expected[0], rtol=1e-9, atol=atol, err_msg="one axis of directions")
        np.testing.assert_allclose(two_axes, expected, rtol=1e-9, atol=atol, err_msg="two axes of directions")


def _difference(f: Callable[..., Any], arguments: Any, tangents: Any) -> list[Any]:
    """Return (f(x + h·t) - f(x - h·t)) / 2h, of fourth order with a second pair of points at 2h."""

    def at(h: float) -> list[Any]:
        return _parts(f(*(x + h * t for x, t in zip(arguments, tangents, strict=True))))

    near = [(a - b) / (2 * _STEP) for a, b in zip(at(_STEP), at(-_STEP), strict=True)]
    far = [(a - b) / (4 * _STEP) for a, b in zip(at(2 * _STEP), at(-2 * _STEP), strict=True)]
    return [(4 * n - m) / 3 for n, m in zip(near, far, strict=True)]


def _parts(result: Any) -> list[Any]:
    """Return the arrays of floats in a result."""
    if isinstance(result, tuple | list):
        return [part for item in result for part in _parts(item)]
    array = np.asarray(result)
    return [array.astype(float) if array.dtype.kind in "biu" else array]
