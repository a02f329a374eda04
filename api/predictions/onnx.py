"""A network as an ONNX graph: from `input` (n, D), floats 0 to 1, to `probabilities` (n, C)."""

from collections.abc import Callable, Mapping
from itertools import count
from math import pi, prod, sqrt
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dualtrain.core.nn import AvgPool2D, Conv2D, Custom, Dense, LayerNorm, MaxPool2D, Network, Shape
from dualtrain.core.nn.activations import LEAK, ActivationName, identity
from dualtrain.core.nn.normalization import EPSILON

OPSET = 17
"""Has all operators that are needed here, and is old enough for every maintained runtime."""
IR_VERSION = 8

Activate = Callable[["_Graph", str], str]


class NotExportable(ValueError):
    """A layer that no ONNX operator can express."""


class _Graph:
    """Nodes and constants of a graph; every operator's output gets a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers = count()

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        output = f"{operator.lower()}{next(self._numbers)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def reshaped(self, x: str, shape: Shape) -> str:
        """Add a reshape of samples to this shape; return the name of its output."""
        name = f"shape{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.array([-1, *shape], np.int64), name))
        return self.add("Reshape", x, name)

    def on_channels_first(self, operator: str, x: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator on images whose channels come first, as ONNX has them; return the name of its output."""
        moved = self.add("Transpose", x, perm=[0, 3, 1, 2])
        return self.add("Transpose", self.add(operator, moved, *inputs, **attributes), perm=[0, 2, 3, 1])

    def constant(self, value: Any, name: str | None = None) -> str:
        """Add a constant, float32; return its name."""
        name = name or f"constant{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name


def _gelu(graph: _Graph, x: str) -> str:
    cubed = graph.add("Mul", graph.constant(0.044715), graph.add("Mul", x, graph.add("Mul", x, x)))
    inner = graph.add("Mul", graph.constant(sqrt(2 / pi)), graph.add("Add", x, cubed))
    weight = graph.add("Add", graph.constant(1.0), graph.add("Tanh", inner))
    return graph.add("Mul", graph.add("Mul", graph.constant(0.5), x), weight)


ACTIVATIONS: dict[ActivationName, Activate] = {
    "identity": lambda graph, x: x,
    "relu": lambda graph, x: graph.add("Relu", x),
    "leaky-relu": lambda graph, x: graph.add("LeakyRelu", x, alpha=LEAK),
    "tanh": lambda graph, x: graph.add("Tanh", x),
    "sigmoid": lambda graph, x: graph.add("Sigmoid", x),
    "softplus": lambda graph, x: graph.add("Softplus", x),
    "gelu": _gelu,
    "softmax": lambda graph, x: graph.add("Softmax", x, axis=-1),
}
"""Each activation as ONNX operators."""


def to_onnx(network: Network, parameters: NDArray[Any], metadata: Mapping[str, str]) -> bytes:
    """Return an ONNX file, in float32, with this metadata. Raises NotExportable."""
    graph = _Graph()
    logits = _nodes(graph, network, network.unpack(parameters))
    graph.nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=-1))
    inputs = [_rows("input", network.widths[0])]
    outputs = [_rows("probabilities", network.classes)]
    proto = helper.make_graph(graph.nodes, "dualtrain", inputs, outputs, graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _rows(name: str, width: int) -> onnx.ValueInfoProto:
    """Return the description of a matrix (n, width)."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])


def _nodes(graph: _Graph, network: Network, arrays: list[tuple[Any, ...]]) -> str:
    """Add all layers; return the name of the logits: the last layer's softmax is that of `probabilities`."""
    current = graph.reshaped("input", network.shapes[0]) if len(network.shapes[0]) > 1 else "input"
    skip = current
    for index, (node, values) in enumerate(zip(network.nodes, arrays, strict=True)):
        if node.is_head:
            continue
        skip = current if node.opens else skip
        if isinstance(node.layer, Custom):
            raise NotExportable(f"layer {node.index} is custom code, which ONNX cannot express; download safetensors")
        names = [graph.constant(value, f"layers.{index}.{i}") for i, value in enumerate(values)]
        current = _LAYERS[type(node.layer)](graph, node.layer, network.shapes[index], current, names)
        if network.activations[index] is not identity:
            current = ACTIVATIONS[node.layer.activation](graph, current)  # type: ignore[union-attr]
        current = graph.add("Add", skip, current) if node.closes else current
    return graph.reshaped(current, (network.classes,)) if len(network.shapes[-1]) > 1 else current


def _dense(graph: _Graph, layer: Dense, shape: Shape, x: str, arrays: list[str]) -> str:
    fan_in = prod(shape)
    if layer.groups == 1:
        return graph.add("Gemm", graph.reshaped(x, (fan_in,)) if len(shape) > 1 else x, *arrays)
    parts = graph.reshaped(x, (layer.groups, 1, fan_in // layer.groups))
    product = graph.reshaped(graph.add("MatMul", parts, arrays[0]), (layer.units,))
    return graph.add("Add", product, arrays[1]) if layer.bias else product


def _convolution(graph: _Graph, layer: Conv2D, shape: Shape, x: str, arrays: list[str]) -> str:
    windows = layer.windows(shape)
    kernel = graph.add("Transpose", arrays[0], perm=[3, 2, 0, 1])
    pads = [*windows.before, *windows.after]
    return graph.on_channels_first("Conv", x, kernel, *arrays[1:], strides=[layer.stride] * 2, pads=pads)


def _pooling(graph: _Graph, layer: MaxPool2D | AvgPool2D, shape: Shape, x: str, arrays: list[str]) -> str:
    operator = "MaxPool" if isinstance(layer, MaxPool2D) else "AveragePool"
    strides = [layer.stride or layer.size] * 2
    return graph.on_channels_first(operator, x, kernel_shape=[layer.size] * 2, strides=strides)


def _normalization(graph: _Graph, layer: LayerNorm, shape: Shape, x: str, arrays: list[str]) -> str:
    scales = arrays or [graph.constant(np.ones(shape[-1]))]
    return graph.add("LayerNormalization", x, *scales, axis=-1, epsilon=EPSILON)


_LAYERS: dict[type, Callable[..., str]] = {
    Dense: _dense,
    Conv2D: _convolution,
    MaxPool2D: _pooling,
    AvgPool2D: _pooling,
    LayerNorm: _normalization,
}
