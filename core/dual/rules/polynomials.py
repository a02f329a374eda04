"""Rules of polynomials by their coefficients, the highest power first: values, roots, fits."""

from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    map_directions,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    plain,
    push,
)
from dualtrain.core.dual.rules.combinators import Handler, as_array, linear


def _polyval(p: Tensor, x: Tensor) -> Tensor:
    out = np.zeros_like(plain(x))
    for coefficient in as_array(p):
        out = out * x + coefficient
    return out


def _polyadd(a: Tensor, b: Tensor) -> Tensor:
    return _padded_to(a, b) + _padded_to(b, a)


def _polysub(a: Tensor, b: Tensor) -> Tensor:
    return _padded_to(a, b) - _padded_to(b, a)


def _padded_to(a: Tensor, b: Tensor) -> Tensor:
    """Return coefficients with zeros in front, as many as b has more."""
    a = np.atleast_1d(a)
    return np.pad(a, (max(np.size(b) - np.size(a), 0), 0))


def _polyint(p: Tensor, m: int = 1, k: Any = None) -> Tensor:
    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return map_directions(lambda t: np.polyint(t, m), tangents[0], 1)  # the constants of integration do not change

    return push(lambda p: np.polyint(p, m, k), rule, (p,))


def _vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    count = np.vander(plain(x), N).shape[1]
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    return x[:, None] ** powers


def _polymul(a: Tensor, b: Tensor) -> Tensor:
    return np.convolve(_without_leading_zeros(a), _without_leading_zeros(b))


def _without_leading_zeros(p: Tensor) -> Tensor:
    """Return the coefficients as np.poly1d has them. TypeError if a leading one is 0 and has a derivative."""
    p = np.atleast_1d(as_array(p))
    start = min(int(np.argmax(plain(p) != 0)) if np.any(p) else np.size(p), np.size(p) - 1)
    if any(np.any(plain(tangent)) for tangent in _tangents_of(p[:start])):
        raise TypeError("numpy.polymul leaves out a leading coefficient that is 0 and has a derivative: take convolve")
    return p[start:]


def _tangents_of(x: Tensor) -> list[Tensor]:
    """Return all tangents of a dual, and those of the duals in it."""
    return [x.tangent, *_tangents_of(x.primal), *_tangents_of(x.tangent)] if isinstance(x, Dual) else []


def _roots(p: Tensor) -> Tensor:
    """Return the roots of p. A root r moves by -t(r)/p'(r), where t is the tangent as a polynomial."""

    def rule(tangents: list[Tensor], out: Tensor, p: Tensor) -> Tensor:
        moved = tangents[0] @ np.transpose(np.vander(out, len(p)))
        return np.astype(-moved / np.polyval(np.polyder(p), out), out.dtype)

    return push(np.roots, rule, (p,))


def _polyfit(x: Tensor, y: Tensor, deg: int, *, w: Any = None) -> Tensor:
    """Fit by least squares on the powers of x, scaled to columns of length 1."""
    deg = np.polyfit(plain(x), plain(y), deg, w=plain(w)).shape[0] - 1  # with NumPy's errors, and its warning
    at: Tensor = x if isinstance(x, Dual) else np.asarray(x, np.float64)
    powers = np.vander(at, deg + 1)
    y = as_array(y)
    if w is not None:
        w = as_array(w)
        powers, y = powers * w[:, None], y * (w if y.ndim == 1 else w[:, None])
    lengths = np.linalg.norm(plain(powers), axis=0)
    result = np.linalg.lstsq(powers / lengths, y, len(x) * np.finfo(np.float64).eps)[0]
    return np.transpose(np.transpose(result) / lengths)


RULES: dict[Any, Handler] = {
    np.polyval: _polyval,
    np.polyadd: _polyadd,
    np.polysub: _polysub,
    np.polymul: _polymul,
    np.polyder: linear(np.polyder),
    np.polyint: _polyint,
    np.vander: _vander,
    np.roots: _roots,
    np.polyfit: _polyfit,
}
