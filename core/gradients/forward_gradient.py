"""An unbiased estimate of the gradient from random directions (Baydin et al. 2022, Ren et al. 2023)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from core.nn.config import CONFIG


@dataclass(frozen=True)
class ForwardGradient:
    """The mean of derivative x direction over random directions of the weights or of the pre-activations."""

    method: Literal["forward-gradient"] = "forward-gradient"
    directions: Annotated[int, Ge(1), Le(1_000_000)] = 16
    distribution: Literal["normal", "rademacher", "orthogonal"] = "normal"
    perturb: Literal["weights", "activations"] = "weights"
    __pydantic_config__ = CONFIG
