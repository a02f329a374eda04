"""A function and its derivatives as SciPy's solvers ask for them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual.jacobians import hessian, hvp, value_and_jacobian


class Shared:
    """A function and its derivatives for SciPy's solvers, which ask for them apart at the same point.

    `value` and `derivative` (the gradient of a number, the Jacobian of an array) come of one evaluation; `hessian` and
    `hessp` are those of a function of one number.

    >>> from scipy.optimize import minimize, rosen
    >>> from dualtrain.core.dual import adapt
    >>> shared = Shared(adapt(rosen))
    >>> result = minimize(shared.value, [-1.2, 1.0], jac=shared.derivative, hess=shared.hessian, method="trust-exact")
    >>> bool(result.success), shared.evaluations < 30
    (True, True)
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self._both = value_and_jacobian(f)
        self._hessian = hessian(f)
        self._hvp = hvp(f)
        self._key: Any = None
        self._pair: Any = None
        self.evaluations = 0

    def _at(self, x: Any, args: tuple[Any, ...]) -> Any:
        x = np.asarray(x, float)
        key = (x.tobytes(), tuple(map(id, args)))
        if key != self._key:
            self._pair = self._both(x, *args)
            self._key = key
            self.evaluations += 1
        return self._pair

    def value(self, x: Any, *args: Any) -> Any:
        """Return the function's value."""
        return self._at(x, args)[0]

    def derivative(self, x: Any, *args: Any) -> Any:
        """Return its gradient or Jacobian."""
        return self._at(x, args)[1]

    def hessian(self, x: Any, *args: Any) -> Any:
        """Return its second derivatives."""
        return self._hessian(np.asarray(x, float), *args)

    def hessp(self, x: Any, p: Any, *args: Any) -> Any:
        """Return the product of its second derivatives with a vector."""
        return self._hvp(np.asarray(x, float), np.asarray(p, float), *args)
