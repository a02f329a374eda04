"""The gradient by finite differences: two losses for every parameter, no derivative at all."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt

from core.nn.config import CONFIG


@dataclass(frozen=True)
class FiniteDifference:
    """Every parameter is moved by `step_size`·max(1, |θ|), both ways or forward only, always in float64."""

    method: Literal["finite-difference"] = "finite-difference"
    scheme: Literal["central", "forward"] = "central"
    step_size: Annotated[float, Gt(0)] | None = None
    __pydantic_config__ = CONFIG
