"""Forward-mode automatic differentiation through NumPy's own functions: dual numbers and dual tensors."""

from core.dual.affine import affine
from core.dual.check import check_derivatives
from core.dual.custom import elementwise_function, row_function, rule
from core.dual.exponentials import log_softmax, logsumexp, softmax
from core.dual.number import DualNumber, eps
from core.dual.structure import EntrySeed, OuterTangent, UnitTangent, contract, inner
from core.dual.tensor import DualTensor
from core.dual.transforms import derivative, gradient, hessian, hvp, jacobian, jvp

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
