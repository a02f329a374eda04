"""Networks: layers, activations, initializers, losses, optimizers and schedules, all of them data or pure functions."""

from dualtrain.core.nn.activations import ACTIVATIONS
from dualtrain.core.nn.initializers import INITIALIZERS
from dualtrain.core.nn.layers import Custom, Dense, Layer
from dualtrain.core.nn.losses import LOSSES, LossName
from dualtrain.core.nn.network import Network, Slice
from dualtrain.core.nn.optimizers import SGD, AbstractOptimizer, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop
from dualtrain.core.nn.schedules import Constant, Cosine, Step

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "SGD",
    "AbstractOptimizer",
    "Adam",
    "AdamW",
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
