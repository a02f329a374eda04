"""Forward-mode automatic differentiation through NumPy's own functions: dual numbers and dual tensors."""

from core.dual.custom import row_function, rule
from core.dual.number import DualNumber, eps
from core.dual.structure import EntrySeed, OuterTangent, UnitTangent, contract
from core.dual.tensor import DualTensor
from core.dual.transforms import derivative, gradient, hessian, jacobian, jvp

__all__ = [
    "DualNumber",
    "DualTensor",
    "EntrySeed",
    "OuterTangent",
    "UnitTangent",
    "contract",
    "derivative",
    "eps",
    "gradient",
    "hessian",
    "jacobian",
    "jvp",
    "row_function",
    "rule",
]
