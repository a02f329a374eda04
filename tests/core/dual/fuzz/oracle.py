"""What a random program must give as a function of duals: NumPy's values, types and sharing, and its derivatives."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual import jacobian, jvp
from dualtrain.core.dual.engine import plain
from tests.core.dual.fuzz.programs import fails

STEPS = (1e-3, 3e-4)
AXES = (2, 2)


class Difference(Exception):
    """A result of a program that is not NumPy's, or not its derivative."""


class Refused(Exception):
    """A call that duals refuse by a documented TypeError."""


def check(program: Callable[..., Any], given: tuple[Any, ...], seed: int, order: int = 1) -> None:
    """Raise Difference if a program of duals differs from NumPy's, Refused where it refuses one."""
    rng = np.random.default_rng(seed)
    along = tuple(rng.normal(size=AXES + np.shape(x)).astype(np.asarray(x).dtype) for x in given)
    expected = program(*given)
    one = _pushed(program, given, tuple(t[0, 0] for t in along), expected)
    if given[0].dtype != np.float64:
        return
    _compare_directions(program, given, along, expected, one)
    _compare_jacobians(program, given)
    _compare_slopes(program, given, tuple(t[0, 0] for t in along), one)
    if order > 1:
        _check_second(program, given, tuple(t[0, 1] for t in along), tuple(t[0, 0] for t in along))


def _pushed(program: Any, given: Any, along: Any, expected: list[Any]) -> list[Any]:
    """Return the tangents of all variables, after a comparison of their values with NumPy's."""

    def observed(*duals: Any) -> list[Any]:
        results = program(*duals)
        tolerance = 1e-9 if given[0].dtype == np.float64 else 1e-3
        _compare_values([plain(result) for result in results], expected, tolerance)
        return results

    try:
        return jvp(observed, given, along)[1]
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error


def _compare_values(values: list[Any], expected: list[Any], tolerance: float) -> None:
    for i, (value, wanted) in enumerate(zip(values, expected, strict=True)):
        if type(wanted) in (bool, int, float, complex):
            continue
        if np.shape(value) != np.shape(wanted):
            raise Difference(f"variable {i} has the shape {np.shape(value)}, not {np.shape(wanted)}")
        if isinstance(value, np.ndarray) != isinstance(wanted, np.ndarray):
            raise Difference(f"variable {i} is a {type(value).__name__}, not a {type(wanted).__name__}")
        if value.dtype != wanted.dtype:
            raise Difference(f"variable {i} holds {value.dtype}, not {wanted.dtype}")
        if not np.allclose(value, wanted, rtol=tolerance, atol=tolerance / 100):
            raise Difference(f"variable {i} is {value}, not {wanted}")
    _compare_sharing(values, expected)


def _compare_sharing(values: list[Any], expected: list[Any]) -> None:
    for i in range(len(values)):
        for j in range(i):
            shared = _share(values[i], values[j])
            if shared != _share(expected[i], expected[j]):
                raise Difference(f"variables {j} and {i} {'share' if shared else 'do not share'} memory")


def _share(first: Any, second: Any) -> bool:
    return all(isinstance(x, np.ndarray) for x in (first, second)) and np.may_share_memory(first, second)


def _compare_directions(program: Any, given: Any, along: Any, expected: list[Any], one: list[Any]) -> None:
    together = _pushed(program, given, along, expected)
    last = _pushed(program, given, tuple(t[1, 1] for t in along), expected)
    for index, alone in (((0, 0), one), ((1, 1), last)):
        for i, (many, single) in enumerate(zip(together, alone, strict=True)):
            if np.shape(many) != AXES + np.shape(single):
                raise Difference(f"variable {i} has a tangent of shape {np.shape(many)} along {AXES} directions")
            if not np.allclose(many[index], single, rtol=1e-8, atol=1e-9):
                raise Difference(f"variable {i} has the tangent {many[index]} among several directions, {single} alone")


def _compare_jacobians(program: Any, given: Any) -> None:
    """Compare Jacobians, whose directions have a structure, with tangents of plain directions."""
    both = {0: lambda x: (x, x[0], x[0, 0]), 1: lambda y: (np.outer(y, y), y, y[0])}
    for place, arguments in both.items():

        def outputs(argument: Any, arguments: Any = arguments) -> Any:
            values = program(*arguments(argument))
            parts = [np.ravel(part(value)) for value in values for part in (np.real, np.imag)]
            return np.concatenate(parts) if parts else np.zeros(0)

        shape = given[place].shape
        directions = np.eye(given[place].size).reshape(-1, *shape)
        if fails(program, arguments(given[place])):
            continue  # of these arguments NumPy refuses it
        try:
            columns = jvp(outputs, (given[place],), (directions,))[1]
            entries = jacobian(outputs)(given[place])
        except (TypeError, ValueError) as error:
            raise Refused(str(error)) from error
        if not np.allclose(entries.reshape(len(entries), -1), columns.T, rtol=1e-8, atol=1e-9):
            raise Difference(f"the Jacobian along argument {place} is not that of its columns")


def _compare_slopes(program: Any, given: Any, along: Any, tangents: list[Any]) -> None:
    slopes = [_difference(program, given, along, step) for step in STEPS]
    if not all(slopes):
        return
    for i, (tangent, coarse, fine) in enumerate(zip(tangents, *slopes, strict=True)):
        if np.shape(coarse) != np.shape(tangent) or np.shape(fine) != np.shape(tangent):
            continue
        scale = 1 + np.max(np.abs(fine), initial=0)
        if np.max(np.abs(coarse - fine), initial=0) > 1e-6 * scale:
            continue  # not smooth within the step: a tie, a sign, an order
        if np.max(np.abs(tangent - fine), initial=0) > 1e-5 * scale:
            raise Difference(f"variable {i} has the tangent {tangent}, the difference is {fine}")


def _difference(program: Any, given: Any, along: Any, step: float) -> list[Any]:
    """Return central differences of fourth order."""

    def at(h: float) -> list[Any]:
        moved = [np.asarray(x + h * t)[()] for x, t in zip(given, along, strict=True)]
        for x in moved:
            x.setflags(write=False)
        try:
            return program(*moved)
        except Exception:
            return []

    points = [at(factor * step) for factor in (1, -1, 2, -2)]
    if not all(points):
        return []
    return [_slope(values, step) for values in zip(*points, strict=True)]


def _slope(values: Any, step: float) -> Any:
    if len({np.shape(value) for value in values}) > 1:
        return np.empty((0, 0, 0, 0, 0))
    a, b, c, d = values
    return (8 * (a - b) - (c - d)) / (12 * step)


def _check_second(program: Any, given: Any, inner: Any, outer: Any) -> None:
    """Compare the tangents of tangents with the differences of tangents."""

    def tangents(*arguments: Any) -> list[Any]:
        return jvp(program, arguments, inner)[1]

    try:
        second = jvp(tangents, given, outer)[1]
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error
    _compare_slopes(tangents, given, outer, second)


def reduced(program: Any, given: Any, seed: int, order: int) -> Any:
    """Return the program without the statements that its difference does not need."""
    index = len(program.statements) - 1
    while index >= 0:
        shorter = program.without(index)
        try:
            check(shorter, given, seed, order)
        except Difference:
            program = shorter
        except Exception:
            pass
        index -= 1
    return program
