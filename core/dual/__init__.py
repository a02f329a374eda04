"""Forward-mode automatic differentiation through NumPy's own functions: dual numbers and dual tensors."""

from dualtrain.core.dual import numpy
from dualtrain.core.dual.adapting import adapt
from dualtrain.core.dual.affine import affine
from dualtrain.core.dual.custom import elementwise_function, row_function, rule
from dualtrain.core.dual.exponentials import log_softmax, logsumexp, softmax
from dualtrain.core.dual.jacobians import (
    gradient,
    hessian,
    hvp,
    jacobian,
    value_and_gradient,
    value_and_jacobian,
)
from dualtrain.core.dual.number import DualNumber, eps
from dualtrain.core.dual.structured import EntrySeed, OuterTangent, UnitTangent, contract, inner
from dualtrain.core.dual.taylor import taylor
from dualtrain.core.dual.tensor import DualTensor
from dualtrain.core.dual.testing import check_derivatives
from dualtrain.core.dual.transforms import derivative, jvp, linearize, stop_gradient

__all__ = [
    "DualNumber",
    "DualTensor",
    "EntrySeed",
    "OuterTangent",
    "UnitTangent",
    "adapt",
    "affine",
    "check_derivatives",
    "contract",
    "derivative",
    "elementwise_function",
    "eps",
    "gradient",
    "hessian",
    "hvp",
    "inner",
    "jacobian",
    "jvp",
    "linearize",
    "log_softmax",
    "logsumexp",
    "numpy",
    "row_function",
    "rule",
    "softmax",
    "stop_gradient",
    "taylor",
    "value_and_gradient",
    "value_and_jacobian",
]
