"""The exact gradient, one pass for every unit."""

from dataclasses import dataclass
from typing import Literal

from core.nn.config import CONFIG


@dataclass(frozen=True)
class PerNeuron:
    """Every unit's pre-activation is a direction."""

    method: Literal["per-neuron"] = "per-neuron"
    __pydantic_config__ = CONFIG
