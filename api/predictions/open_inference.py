"""The Open Inference Protocol v2 as bytes: requests with data in JSON or behind it (binary tensors), and responses.

https://github.com/kserve/open-inference-protocol, and Triton's `extension_binary_data`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from dualtrain.api.predictions.bodies import MAX_IMAGES
from dualtrain.api.predictions.errors import ProtocolError
from dualtrain.api.predictions.images import PIXELS
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.predictions.tensors import DATATYPES, from_binary, from_list
from dualtrain.core.data import scale

INPUT, OUTPUT = "input", "probabilities"
LENGTH = "Inference-Header-Content-Length"
MAX_OBJECTS = 200
"""JSON objects of a request: 16 inputs, 16 outputs, and their parameters."""
_TOO_MANY = f"at most {MAX_IMAGES:,} images are accepted in one request"


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)

    parameters: dict[str, Any] = {}


class Tensor(_Part):
    """A tensor of a request: `data` in JSON, flat or nested, or `binary_data_size` bytes behind it."""

    name: str = Field(max_length=200)
    shape: list[int] = Field(max_length=8)
    datatype: str = Field(max_length=20)
    data: list[Any] | None = None


class RequestedOutput(_Part):
    """An output that the client requests."""

    name: str = Field(max_length=200)


class InferRequest(_Part):
    """A request of the protocol."""

    id: str | None = Field(None, max_length=1000)
    inputs: list[Tensor] = Field(min_length=1, max_length=16)
    outputs: list[RequestedOutput] | None = Field(None, max_length=16)


@dataclass(frozen=True)
class Infer:
    """A request and the bytes behind its JSON. `bools`: whether `true` or `false` may be among the data."""

    request: InferRequest
    binary: bytes
    bools: bool

    @classmethod
    def parse(cls, body: bytes, header_length: int | None) -> "Infer":
        """Read a body. Raises ProtocolError."""
        length = len(body) if header_length is None else header_length
        if not 0 <= length <= len(body):
            raise ProtocolError(f"{LENGTH} is {length}, but the body has {len(body)} bytes")
        text = body[:length]
        _check_size(text)
        try:
            request = InferRequest.model_validate(from_json(text, allow_inf_nan=False))
        except ValidationError as error:
            first = error.errors()[0]
            raise ProtocolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:
            raise ProtocolError(f"the body is not JSON: {error}") from None
        return cls(request, body[length:], b"true" in text or b"false" in text)

    def inputs(self, model: LoadedModel) -> NDArray[Any]:
        """Return the pixels (n, image_size²), 0 to 1. Raises ProtocolError."""
        tensor = self._tensor(model.image_size**2)
        values = self._values(tensor).reshape(tensor.shape)
        dtype = model.parameters.dtype
        if tensor.datatype == "UINT8":
            return scale(values, dtype)
        with np.errstate(over="ignore"):
            pixels = values.astype(dtype)
        if not np.isfinite(pixels).all():  # a float64 may be too large for the model
            raise ProtocolError(f"the data must be finite numbers of {dtype}")
        return pixels

    def respond(self, name: str, model: LoadedModel) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body of the response. Raises ProtocolError."""
        outputs = {output.name: output.parameters for output in self.request.outputs or [RequestedOutput(name=OUTPUT)]}
        if set(outputs) != {OUTPUT}:
            raise ProtocolError(f"there is one output, {OUTPUT!r}; the request asks for {sorted(outputs)}")
        values = np.asarray(model.probabilities(self.inputs(model)), "<f4")
        binary = outputs[OUTPUT].get("binary_data", self.request.parameters.get("binary_data_output", False))
        output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP32", "shape": list(values.shape)}
        output |= {"parameters": {"binary_data_size": values.nbytes}} if binary else {"data": values.ravel().tolist()}
        document = {"model_name": name, "model_version": str(model.step), "outputs": [output]}
        document |= {"id": self.request.id} if self.request.id is not None else {}
        text = json.dumps(document).encode()
        if not binary:
            return {"Content-Type": "application/json"}, text
        return {"Content-Type": "application/octet-stream", LENGTH: str(len(text))}, text + values.tobytes()

    def _tensor(self, width: int) -> Tensor:
        """Return the one input, of shape (n, width). Raises ProtocolError."""
        names = [tensor.name for tensor in self.request.inputs]
        if names != [INPUT]:
            raise ProtocolError(f"there is one input, {INPUT!r}; the request has {names}")
        tensor = self.request.inputs[0]
        if tensor.datatype not in DATATYPES:
            raise ProtocolError(f"datatype {tensor.datatype!r} is not supported; use one of: {', '.join(DATATYPES)}")
        if len(tensor.shape) != 2 or tensor.shape[1] != width or tensor.shape[0] < 1:
            raise ProtocolError(f"shape {tensor.shape} does not fit; the model takes [n, {width}]")
        if tensor.shape[0] > MAX_IMAGES:
            raise ProtocolError(_TOO_MANY)
        return tensor

    def _values(self, tensor: Tensor) -> NDArray[Any]:
        dtype, count = DATATYPES[tensor.datatype], prod(tensor.shape)
        size = tensor.parameters.get("binary_data_size")
        if size is None and tensor.data is not None:
            return from_list(tensor.data, dtype, count, self.bools)
        if size is not None and tensor.data is None:
            return from_binary(self.binary, size, dtype, count)
        raise ProtocolError(f"input {tensor.name!r} needs either `data` or the parameter `binary_data_size`")


def metadata(name: str, model: LoadedModel, steps: Sequence[int]) -> Mapping[str, Any]:
    """Return the metadata of a model; its versions are the steps whose checkpoints are kept."""
    inputs = [{"name": INPUT, "datatype": "FP32", "shape": [-1, model.image_size**2]}]
    outputs = [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, model.network.classes]}]
    versions = [str(step) for step in steps]
    return {"name": name, "versions": versions, "platform": "dualtrain_numpy", "inputs": inputs, "outputs": outputs}


def _check_size(text: bytes) -> None:
    """Raise ProtocolError for a JSON text with more parts than a request may have: parsed, it takes far more memory."""
    if text.count(b"[") > MAX_IMAGES + 16 or text.count(b",") > MAX_IMAGES * PIXELS + 1000:
        raise ProtocolError(_TOO_MANY)
    if text.count(b"{") > MAX_OBJECTS:
        raise ProtocolError(f"a request has at most {MAX_OBJECTS} JSON objects; `data` holds numbers only")
