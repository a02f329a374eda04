"""scipy.interpolate, whose splines take duals as points, and as values where they are linear in them."""

from importlib import import_module
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, push
from dualtrain.core.dual.scipy_namespace import Namespace


class _Interpolant:
    """An interpolant of SciPy's with plain values, whose points may be duals."""

    def __init__(self, interpolant: Any, slope: Any = None) -> None:
        self._interpolant = interpolant
        self._slope = slope

    def __call__(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        if not isinstance(x, Dual):
            return self._interpolant(x, *args, **options)
        if args or options:
            raise TypeError("an interpolant of duals takes its points alone: take derivative() for a derivative")
        slope = self.derivative()

        def rule(tangents: list[Tensor], out: Tensor, x: Tensor) -> Tensor:
            axes = (1,) * (np.ndim(out) - np.ndim(x))  # of the values, behind those of the points
            return np.multiply(slope(x), np.reshape(tangents[0], np.shape(tangents[0]) + axes))

        return push(self.__call__, rule, (x,))

    def derivative(self, nu: int = 1) -> "_Interpolant":
        """Return the interpolant's derivative."""
        return self if nu == 0 else _Interpolant(self._interpolant.derivative(nu))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interpolant, name)


def _interpolating(name: str) -> Any:
    def make(x: Any, y: Tensor, *args: Any, **options: Any) -> Any:
        own = getattr(import_module("scipy.interpolate"), name)
        if not isinstance(y, Dual) and not isinstance(x, Dual):
            return _Interpolant(own(x, y, *args, **options))
        if isinstance(x, Dual):
            raise TypeError(f"scipy.interpolate.{name} takes duals as its values and its points, not as its knots")
        if name == "Akima1DInterpolator" or name == "PchipInterpolator":
            raise TypeError(f"scipy.interpolate.{name} is not linear in its values: a dual can be its point only")

        def at(points: Any, *rest: Any) -> Tensor:
            weights = own(x, np.eye(np.shape(y)[0]), *args, **options)
            return np.tensordot(_Interpolant(weights)(points, *rest), y, (-1, 0))

        return at

    return make


class _Interpolate(Namespace):
    """scipy.interpolate, whose splines take duals as points, and as values where they are linear in them."""

    def __getattr__(self, name: str) -> Any:
        names = ("CubicSpline", "make_interp_spline", "PchipInterpolator", "Akima1DInterpolator")
        return _interpolating(name) if name in names else super().__getattr__(name)


interpolate = _Interpolate("interpolate", {})
