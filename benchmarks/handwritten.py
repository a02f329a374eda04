"""Functions with value and tangent written out by hand in plain NumPy, statement by statement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Case:
    """`by_hand(*primals, *tangents) -> (value, tangent)` of a function, and what it is called with."""

    function: Callable[..., Array]
    by_hand: Callable[..., tuple[Array, Array]]
    arguments: Callable[[int], tuple[Array, ...]]


def vector(size: int) -> tuple[Array, ...]:
    return (np.random.default_rng(1).uniform(0.2, 0.9, size),)


def two(size: int) -> tuple[Array, ...]:
    return tuple(np.random.default_rng(2).uniform(0.2, 0.9, (2, size)))


def square(size: int) -> tuple[Array, ...]:
    side = int(size**0.5)
    return (np.random.default_rng(3).uniform(0.2, 0.9, (side, side)),)


def two_matrices(size: int) -> tuple[Array, ...]:
    """Far from singular."""
    side = int(size**0.5)
    return tuple(np.random.default_rng(4).normal(size=(2, side, side)) + 2 * side * np.eye(side))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def sigmoid_by_hand(x: Array, t: Array) -> tuple[Array, Array]:
    e = np.exp(-x)
    de = -t * e
    out = 1 / (1 + e)
    return out, -out / (1 + e) * de


def root(x: Array, t: Array) -> tuple[Array, Array]:
    out = np.sqrt(x)
    return out, 0.5 / out * t


def same_of_out(function: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Callable[..., Any]:
    def by_hand(x: Array, t: Array) -> tuple[Array, Array]:
        out = function(x)
        return out, slope(out) * t

    return by_hand


def divided(x: Array, y: Array, t: Array, u: Array) -> tuple[Array, Array]:
    out = x / y
    return out, (t - out * u) / y


def composite(x: Array) -> Array:
    s = np.sin(x)
    return 3 * np.exp(s) + s**2


def composite_by_hand(x: Array, t: Array) -> tuple[Array, Array]:
    s, ds = np.sin(x), np.cos(x) * t
    e = 3 * np.exp(s)
    return e + s**2, e * ds + 2 * s * ds


def rows_by_hand(x: Array, t: Array) -> tuple[Array, Array]:
    """Elements that tie share the tangent, as everywhere here; `argmax` would be shorter and give all to the first."""
    out = np.max(x, axis=1)
    hits = x == out[:, None]
    return out, np.sum(t * (hits / np.sum(hits, axis=1, keepdims=True)), axis=-1)


def spread_by_hand(x: Array, t: Array) -> tuple[Array, Array]:
    rest = x - np.mean(x)
    return np.mean(rest * rest), 2 * np.mean(rest * t, axis=(-2, -1))


def inverse_by_hand(a: Array, b: Array, t: Array, u: Array) -> tuple[Array, Array]:
    out = np.linalg.inv(a)
    return out + b, u - out @ t @ out


def solved_by_hand(a: Array, b: Array, t: Array, u: Array) -> tuple[Array, Array]:
    out = np.linalg.solve(a, b)
    return out, np.linalg.solve(a, u - t @ out)


GROUPS: dict[str, dict[str, Case]] = {
    "elementwise": {
        "sin": Case(np.sin, lambda x, t: (np.sin(x), np.cos(x) * t), vector),
        "exp": Case(np.exp, same_of_out(np.exp, lambda out: out), vector),
        "tanh": Case(np.tanh, same_of_out(np.tanh, lambda out: 1 - out * out), vector),
        "log": Case(np.log, lambda x, t: (np.log(x), 1 / x * t), vector),
        "sqrt": Case(np.sqrt, root, vector),
        "square": Case(np.square, lambda x, t: (x * x, 2 * x * t), vector),
        "arctan": Case(np.arctan, lambda x, t: (np.arctan(x), 1 / (1 + x * x) * t), vector),
    },
    "arithmetic": {
        "add": Case(np.add, lambda x, y, t, u: (x + y, t + u), two),
        "subtract": Case(np.subtract, lambda x, y, t, u: (x - y, t - u), two),
        "multiply": Case(np.multiply, lambda x, y, t, u: (x * y, y * t + x * u), two),
        "divide": Case(np.divide, divided, two),
        "maximum": Case(np.maximum, lambda x, y, t, u: (np.maximum(x, y), np.where(x > y, t, u)), two),
        "where": Case(
            lambda x, y: np.where(x > y, x, y), lambda x, y, t, u: (np.where(x > y, x, y), np.where(x > y, t, u)), two
        ),
    },
    "composites": {
        "3·exp(sin x) + sin² x": Case(composite, composite_by_hand, vector),
        "sigmoid": Case(sigmoid, sigmoid_by_hand, vector),
    },
    "reductions": {
        "sum": Case(np.sum, lambda x, t: (np.sum(x), np.sum(t, axis=(-2, -1))), square),
        "mean of columns": Case(lambda x: np.mean(x, axis=0), lambda x, t: (np.mean(x, 0), np.mean(t, -2)), square),
        "max of rows": Case(lambda x: np.max(x, axis=1), rows_by_hand, square),
        "var": Case(np.var, spread_by_hand, square),
        "cumsum": Case(np.cumsum, lambda x, t: (np.cumsum(x), np.cumsum(t, axis=-1)), vector),
    },
    "shapes": {
        "reshape": Case(
            lambda x: x.reshape(-1, 4) * 2,
            lambda x, t: (x.reshape(-1, 4) * 2, t.reshape(*t.shape[:-1], -1, 4) * 2),
            vector,
        ),
        "transpose": Case(lambda x: x.T + x, lambda x, t: (x.T + x, np.swapaxes(t, -1, -2) + t), square),
        "concatenate": Case(
            lambda x, y: np.concatenate([x, y]),
            lambda x, y, t, u: (np.concatenate([x, y]), np.concatenate([t, u], axis=-1)),
            two,
        ),
        "slices": Case(lambda x: x[1:] - x[:-1], lambda x, t: (x[1:] - x[:-1], t[..., 1:] - t[..., :-1]), vector),
    },
    "products": {
        "matmul": Case(np.matmul, lambda a, b, t, u: (a @ b, t @ b + a @ u), two_matrices),
        "einsum": Case(
            lambda a, b: np.einsum("ij,ij->i", a, b),
            lambda a, b, t, u: (
                np.einsum("ij,ij->i", a, b),
                np.einsum("...ij,ij->...i", t, b) + np.einsum("ij,...ij->...i", a, u),
            ),
            two_matrices,
        ),
        "dot": Case(np.dot, lambda x, y, t, u: (x @ y, t @ y + u @ x), two),
    },
    "linear algebra": {
        "inv": Case(lambda a, b: np.linalg.inv(a) + b, inverse_by_hand, two_matrices),
        "solve": Case(np.linalg.solve, solved_by_hand, two_matrices),
    },
    "Fourier": {
        "(Re rfft)²": Case(
            lambda x: np.square(np.real(np.fft.rfft(x))),
            lambda x, t: ((r := np.fft.rfft(x).real) ** 2, 2 * r * np.fft.rfft(t).real),
            vector,
        ),
    },
}
