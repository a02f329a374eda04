"""Networks: layers, activations, initializers, losses, optimizers and schedules, all of them data or pure functions."""

from core.nn.activations import ACTIVATIONS
from core.nn.initializers import INITIALIZERS
from core.nn.layers import Custom, Dense, Layer
from core.nn.losses import LOSSES, LossName
from core.nn.network import Network, Slice
from core.nn.optimizers import SGD, AbstractOptimizer, Adam, Momentum, Nesterov, Optimizer, RMSprop
from core.nn.schedules import Constant, Cosine, Step

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "SGD",
    "AbstractOptimizer",
    "Adam",
    "Constant",
    "Cosine",
    "Custom",
    "Dense",
    "Layer",
    "LossName",
    "Momentum",
    "Nesterov",
    "Network",
    "Optimizer",
    "RMSprop",
    "Slice",
    "Step",
]
