"""Simultaneous perturbation (Spall 1992): two losses for every random direction, no derivative at all."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from core.nn.config import CONFIG


@dataclass(frozen=True)
class SPSA:
    """All parameters are moved at once by ±`step_size`, with random signs, always in float64."""

    method: Literal["spsa"] = "spsa"
    directions: Annotated[int, Ge(1), Le(1_000_000)] = 16
    step_size: Annotated[float, Gt(0)] | None = None
    __pydantic_config__ = CONFIG
