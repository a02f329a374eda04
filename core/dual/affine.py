"""`x @ weights + bias`, of which most of a network consists, as one function."""

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, tangent_of
from dualtrain.core.dual.rules.products import from_left, left_product


def affine(x: Tensor, weights: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `x @ weights + bias` for `(N, D)`, `(D, H)` and `(H,)`; any of them may be dual.

    For plain weights and bias a tangent passes in one step, since the bias does not change it.
    """
    plain = type(weights) is np.ndarray and (bias is None or type(bias) is np.ndarray)
    if plain and isinstance(x, Dual):
        out, tangent = _value(x.primal, weights, bias), tangent_of(x, structured=True)
        if tangent is None:
            return out
        selected = from_left(tangent, weights)
        return x.like(out, left_product(tangent_of(x), x.ndim, weights, out) if selected is None else selected)
    return _value(x, weights, bias)


def _value(x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    product = x @ weights
    return product if bias is None else product + bias
