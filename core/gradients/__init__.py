"""Gradients from forward passes alone: methods behind one interface, one file each."""

from typing import Annotated, TypeAlias

from pydantic import Discriminator

from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method, gradient
from dualtrain.core.gradients.blocks import cut, grid
from dualtrain.core.gradients.checking import MethodFault, check_method
from dualtrain.core.gradients.custom_method import CustomMethod
from dualtrain.core.gradients.finite_difference import FiniteDifference
from dualtrain.core.gradients.forward_gradient import ForwardGradient
from dualtrain.core.gradients.per_neuron import PerNeuron
from dualtrain.core.gradients.per_parameter import PerParameter
from dualtrain.core.gradients.sharding import shards
from dualtrain.core.gradients.spsa import SPSA
from dualtrain.core.nn.config import by_default

GradientMethod: TypeAlias = Annotated[
    PerParameter | PerNeuron | ForwardGradient | FiniteDifference | SPSA | CustomMethod,
    Discriminator("method"),
    by_default("method", "per-parameter"),
]

__all__ = [
    "SPSA",
    "Block",
    "Cost",
    "CustomMethod",
    "Draw",
    "Estimate",
    "FiniteDifference",
    "ForwardGradient",
    "GradientMethod",
    "Method",
    "MethodFault",
    "PerNeuron",
    "PerParameter",
    "check_method",
    "cut",
    "gradient",
    "grid",
    "shards",
]
