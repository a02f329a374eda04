"""log Σ exp and what is made of it, under SciPy's names: SciPy's own turn their argument into an array first."""

import numpy as np

from dualtrain.core.dual.engine import Tensor, plain

Axis = int | tuple[int, ...] | None


def logsumexp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """log Σ exp(x) over the axes, `scipy.special.logsumexp`; x is an array or a dual of floats.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shift = np.max(plain(x), axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(shift), shift, np.zeros_like(shift))
    with np.errstate(divide="ignore"):  # the sum is 0 where all of x is -infinity
        found = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return found if keepdims else np.squeeze(found, axis)


def softmax(x: Tensor, axis: Axis = None) -> Tensor:
    """exp(x) / Σ exp(x) over the axes, in the shape of x: `scipy.special.softmax`."""
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Tensor, axis: Axis = None) -> Tensor:
    """log softmax(x), in the shape of x: `scipy.special.log_softmax`."""
    return x - logsumexp(x, axis, keepdims=True)
