"""logsumexp, softmax and log_softmax under SciPy's names: SciPy's own convert their argument to an array first."""

import numpy as np

from dualtrain.core.dual.engine import Tensor, plain

_Axis = int | tuple[int, ...] | None


def logsumexp(x: Tensor, axis: _Axis = None, *, keepdims: bool = False) -> Tensor:
    """Return log Σ exp(x) over the axes, `scipy.special.logsumexp`; x is an array or a dual of floats.

    >>> float(logsumexp(np.array([1000.0, 1000.0])))
    1000.6931471805599
    """
    shift = np.max(plain(x), axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(shift), shift, np.zeros_like(shift))
    with np.errstate(divide="ignore"):  # the sum is 0 where all of x is -infinity
        result = np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return result if keepdims else np.squeeze(result, axis)


def softmax(x: Tensor, axis: _Axis = None) -> Tensor:
    """Return exp(x) / Σ exp(x) over the axes, in the shape of x: `scipy.special.softmax`."""
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Tensor, axis: _Axis = None) -> Tensor:
    """Return log softmax(x), in the shape of x: `scipy.special.log_softmax`."""
    return x - logsumexp(x, axis, keepdims=True)
