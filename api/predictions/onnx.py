"""A network as an ONNX graph: from `input` (n, D), floats 0 to 1, to `probabilities` (n, C)."""

from collections.abc import Callable, Mapping
from itertools import count
from math import pi, sqrt
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.activations import LEAK, ActivationName

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
    logits = _layers(graph, network, network.unpack(parameters))
    graph.nodes.append(helper.make_node("Softmax", [logits], ["probabilities"], axis=-1))
    inputs = [_rows("input", network.input_size)]
    outputs = [_rows("probabilities", network.classes)]
    proto = helper.make_graph(graph.nodes, "dualtrain", inputs, outputs, graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _rows(name: str, width: int) -> onnx.ValueInfoProto:
    """Return the description of a matrix (n, width)."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])


def _layers(graph: _Graph, network: Network, arrays: list[tuple[Any, ...]]) -> str:
    """Add all layers; return the name of the logits: the last layer's softmax is that of `probabilities`."""
    current = "input"
    last = len(network.layers) - 1
    for index, (layer, values) in enumerate(zip(network.layers, arrays, strict=True)):
        if not isinstance(layer, Dense):
            raise NotExportable(f"layer {index} is custom code, which ONNX cannot express; download safetensors")
        names = [graph.constant(value, f"layers.{index}.{i}") for i, value in enumerate(values)]
        current = graph.add("Gemm", current, *names)
        if not (index == last and layer.activation == "softmax"):
            current = ACTIVATIONS[layer.activation](graph, current)
    return current
