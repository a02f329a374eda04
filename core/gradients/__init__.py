"""Gradients from forward passes alone: five methods, one file each, behind one interface."""

from typing import Annotated, TypeAlias

from pydantic import Discriminator

from dualtrain.core.gradients.base import Block, Draw, Estimate, Method, gradient
from dualtrain.core.gradients.finite_difference import FiniteDifference
from dualtrain.core.gradients.forward_gradient import ForwardGradient
from dualtrain.core.gradients.per_neuron import PerNeuron
from dualtrain.core.gradients.per_parameter import PerParameter
from dualtrain.core.gradients.sharding import shards
from dualtrain.core.gradients.spsa import SPSA
from dualtrain.core.nn.config import by_default

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
