"""Directions in the span of the next layer's weights (Singhal et al. 2023, Wang et al. 2025).

The gradient of a layer's outputs is δ Wᵀ, where W `(H, m)` are the weights of the dense layer after it: it lies in the
span of the m columns of W. Noise Q u, with an orthonormal basis Q of that span and u `(m,)` of unit covariance, has m
dimensions instead of H, and E[Q u uᵀ Qᵀ] = Q Qᵀ leaves the gradient as it is: the estimate stays unbiased. It pays
where H is larger than m, before the last layer above all.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.dual import DualTensor
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.activations import Activation, softmax
from dualtrain.core.nn.tensor import Array


def span_width(network: Network, node: int) -> int | None:
    """Return the dimensions m of the span that a node's outputs may be perturbed in; None where there is no gain."""
    if node + 1 >= len(network.nodes) or network.activations[node] is softmax:
        return None
    follower, own = network.nodes[node + 1], network.nodes[node]
    is_dense = isinstance(follower.layer, Dense) and follower.layer.groups == 1
    is_narrower = network.widths[node + 2] < network.widths[node + 1]
    in_row = not (own.opens or own.closes or own.prefix or follower.opens or follower.prefix)
    return network.widths[node + 2] if is_dense and is_narrower and in_row else None


def spread(forward: Forward, node: int, noise: Array) -> Array:
    """Return noise `(K, n, m)` in the span's basis as directions `(K, n, *shape)` of the node's outputs."""
    basis, _ = np.linalg.qr(forward.layers[node + 1][0])  # (H, m)
    directions: Array = noise @ basis.T
    return directions.reshape(*noise.shape[:2], *forward.network.shapes[node + 1])


def slopes_of(activation: Activation, pre_activations: Array, dtype: DTypeLike) -> Array:
    """Return the derivative of an activation of single elements at each of them."""
    ones = np.ones((1, *pre_activations.shape), dtype)
    tangent: Array = activation(DualTensor(pre_activations, ones)).tangent[0]
    return tangent


def as_plain(x: Any) -> Array:
    """Return an array, of a dual its values."""
    plain: Array = x.primal if isinstance(x, DualTensor) else x
    return plain
