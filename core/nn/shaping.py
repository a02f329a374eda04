"""Changes of shape between layers that keep the structure of tangents."""

from math import prod

import numpy as np

from dualtrain.core.dual.engine import Dual, push
from dualtrain.core.dual.structured import Factored, SiteTangent, Structure, UnitTangent, to_dense
from dualtrain.core.nn.tensor import Tensor


def flatten(x: Tensor) -> Tensor:
    """Return `(N, *shape)` as `(N, D)`. Tangents of single units and windows stay what they are."""
    if x.ndim == 2:
        return x
    shape = (len(x), prod(x.shape[1:]))
    tangent = x.stored_tangent if isinstance(x, Dual) else None
    if isinstance(tangent, SiteTangent):
        return x.like(x.primal.reshape(shape), UnitTangent(tangent.units, tangent.values))
    if isinstance(tangent, Factored) and not isinstance(tangent, UnitTangent):  # one of windows is flat as it is
        return x.like(x.primal.reshape(shape), tangent)
    return np.reshape(x, shape)


def add_skip(skip: Tensor, outputs: Tensor) -> Tensor:
    """Return the sum of two tensors of one shape; a tangent that only one of them has passes as it is."""
    return push(np.add, _sum, (skip, outputs), structured=True)


def _sum(tangents: list[Tensor], out: Tensor, skip: Tensor, outputs: Tensor) -> Tensor | Structure:
    first, second = tangents
    if first is None or second is None:
        return second if first is None else first
    return to_dense(first, skip) + to_dense(second, outputs)
