"""Networks: layers, activations, initializers, losses, optimizers and schedules, all of them data or pure functions."""

from dualtrain.core.nn.activations import ACTIVATIONS
from dualtrain.core.nn.base import Layer, LayerFault, Shape
from dualtrain.core.nn.convolution import Conv2D
from dualtrain.core.nn.dense import Dense
from dualtrain.core.nn.initializers import INITIALIZERS
from dualtrain.core.nn.layers import AnyLayer, Custom, Residual
from dualtrain.core.nn.losses import LOSSES, LossName
from dualtrain.core.nn.network import LocalLosses, Network, Slice, Values
from dualtrain.core.nn.normalization import LayerNorm
from dualtrain.core.nn.optimizers import SGD, AbstractOptimizer, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop
from dualtrain.core.nn.pooling import AvgPool2D, MaxPool2D
from dualtrain.core.nn.schedules import Constant, Cosine, Step

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LOSSES",
    "SGD",
    "AbstractOptimizer",
    "Adam",
    "AdamW",
    "AnyLayer",
    "AvgPool2D",
    "Constant",
    "Conv2D",
    "Cosine",
    "Custom",
    "Dense",
    "Layer",
    "LayerFault",
    "LayerNorm",
    "LocalLosses",
    "LossName",
    "MaxPool2D",
    "Momentum",
    "Nesterov",
    "Network",
    "Optimizer",
    "RMSprop",
    "Residual",
    "Shape",
    "Slice",
    "Step",
    "Values",
]
