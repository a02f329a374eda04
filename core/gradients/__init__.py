"""Gradients from forward passes alone: five methods, one file each, behind one interface."""

from typing import Annotated, TypeAlias

from pydantic import Discriminator

from core.gradients.base import Block, Draw, Estimate, Method, gradient
from core.gradients.finite_difference import FiniteDifference
from core.gradients.forward_gradient import ForwardGradient
from core.gradients.per_neuron import PerNeuron
from core.gradients.per_parameter import PerParameter
from core.gradients.sharding import shards
from core.gradients.spsa import SPSA
from core.nn.config import by_default

GradientMethod: TypeAlias = Annotated[
    PerParameter | PerNeuron | ForwardGradient | FiniteDifference | SPSA,
    Discriminator("method"),
    by_default("method", "per-parameter"),
]

__all__ = [
    "SPSA",
    "Block",
    "Draw",
    "Estimate",
    "FiniteDifference",
    "ForwardGradient",
    "GradientMethod",
    "Method",
    "PerNeuron",
    "PerParameter",
    "gradient",
    "shards",
]
