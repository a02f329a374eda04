"""Forward-mode automatic differentiation through NumPy's own functions: dual numbers and dual tensors."""

from dualtrain.core.dual.affine import affine
from dualtrain.core.dual.custom import elementwise_function, row_function, rule
from dualtrain.core.dual.exponentials import log_softmax, logsumexp, softmax
from dualtrain.core.dual.number import DualNumber, eps
from dualtrain.core.dual.structured import EntrySeed, OuterTangent, UnitTangent, contract, inner
from dualtrain.core.dual.tensor import DualTensor
from dualtrain.core.dual.testing import check_derivatives
from dualtrain.core.dual.transforms import derivative, gradient, hessian, hvp, jacobian, jvp

__all__ = [
    "DualNumber",
    "DualTensor",
    "EntrySeed",
    "OuterTangent",
    "UnitTangent",
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
    "log_softmax",
    "logsumexp",
    "row_function",
    "rule",
    "softmax",
]
