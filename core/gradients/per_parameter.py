"""The exact gradient, one pass for every parameter: the blog's method."""

from dataclasses import dataclass
from typing import Literal

from core.nn.config import CONFIG


@dataclass(frozen=True)
class PerParameter:
    """Every weight's E_ij and every bias is a direction of its own."""

    method: Literal["per-parameter"] = "per-parameter"
    __pydantic_config__ = CONFIG
