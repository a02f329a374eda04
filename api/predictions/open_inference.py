"""The Open Inference Protocol v2 as bytes: requests with data in JSON or behind it (binary tensors), and answers.

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

from dualtrain.api.errors.problems import Problem
from dualtrain.api.predictions.bodies import MAX_IMAGES
from dualtrain.api.predictions.model import Model
from dualtrain.core.data import scale

TOO_MANY = f"at most {MAX_IMAGES:,} images are taken in one request"
INPUT, OUTPUT = "input", "probabilities"
LENGTH = "Inference-Header-Content-Length"
DATATYPES: dict[str, type[np.generic]] = {"FP32": np.float32, "FP64": np.float64, "UINT8": np.uint8}
"""Inputs that are understood. Floats are pixels from 0 to 1, UINT8 pixels from 0 to 255."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)

    parameters: dict[str, Any] = {}


class Tensor(_Part):
    """A tensor of a request: `data` in JSON, flat or nested, or `binary_data_size` bytes behind it."""

    name: str = Field(max_length=200)
    shape: list[int] = Field(max_length=8)
    datatype: str = Field(max_length=20)
    data: list[Any] | None = None


class Wanted(_Part):
    """An output that is asked for."""

    name: str = Field(max_length=200)


class InferRequest(_Part):
    """A request of the protocol."""

    id: str | None = Field(None, max_length=1000)
    inputs: list[Tensor] = Field(min_length=1, max_length=16)
    outputs: list[Wanted] | None = Field(None, max_length=16)


@dataclass(frozen=True)
class Infer:
    """A request, with what lies behind its JSON."""

    request: InferRequest
    binary: bytes

    @classmethod
    def parse(cls, body: bytes, header_length: int | None) -> "Infer":
        """Read a body. Raises Problem `bad_request`."""
        length = len(body) if header_length is None else header_length
        if not 0 <= length <= len(body):
            raise _bad(f"{LENGTH} is {length}, but the body has {len(body)} bytes")
        text = body[:length]
        if text.count(b"[") > MAX_IMAGES + 16:
            raise _bad(TOO_MANY)
        try:
            request = InferRequest.model_validate(from_json(text, allow_inf_nan=False))
        except ValidationError as error:
            first = error.errors()[0]
            raise _bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:
            raise _bad(f"the body is not JSON: {error}") from None
        return cls(request, body[length:])

    def inputs(self, model: Model) -> NDArray[Any]:
        """Return the pixels (n, image_size²), 0 to 1. Raises Problem `bad_request`."""
        if len(self.request.inputs) != 1 or self.request.inputs[0].name != INPUT:
            raise _bad(f"there is one input, {INPUT!r}; the request has {[one.name for one in self.request.inputs]}")
        tensor = self.request.inputs[0]
        width = model.image_size**2
        if tensor.datatype not in DATATYPES:
            raise _bad(f"datatype {tensor.datatype!r} is not taken; these are: {', '.join(DATATYPES)}")
        if len(tensor.shape) != 2 or tensor.shape[1] != width or tensor.shape[0] < 1:
            raise _bad(f"shape {tensor.shape} does not fit; the model takes [n, {width}]")
        if tensor.shape[0] > MAX_IMAGES:
            raise _bad(TOO_MANY)
        values = self._values(tensor).reshape(tensor.shape)
        dtype = model.parameters.dtype
        if tensor.datatype == "UINT8":
            return scale(values, dtype)
        with np.errstate(over="ignore"):
            return _finite(values.astype(dtype))

    def answer(self, name: str, model: Model) -> tuple[bytes, dict[str, str]]:
        """Return the answer's body and headers. Raises Problem `bad_request`."""
        wanted = {one.name: one.parameters for one in self.request.outputs or [Wanted(name=OUTPUT)]}
        if set(wanted) != {OUTPUT}:
            raise _bad(f"there is one output, {OUTPUT!r}; the request asks for {sorted(wanted)}")
        found = np.asarray(model.probabilities(self.inputs(model)), "<f4")
        binary = wanted[OUTPUT].get("binary_data", self.request.parameters.get("binary_data_output", False))
        output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP32", "shape": list(found.shape)}
        output |= {"parameters": {"binary_data_size": found.nbytes}} if binary else {"data": found.ravel().tolist()}
        names = {"model_name": name, "model_version": str(model.step)}
        names |= {"id": self.request.id} if self.request.id is not None else {}
        text = json.dumps(names | {"outputs": [output]}).encode()
        if not binary:
            return text, {"Content-Type": "application/json"}
        return text + found.tobytes(), {"Content-Type": "application/octet-stream", LENGTH: str(len(text))}

    def _values(self, tensor: Tensor) -> NDArray[Any]:
        size = tensor.parameters.get("binary_data_size")
        if (size is None) == (tensor.data is None):
            raise _bad(f"input {tensor.name!r} needs either `data` or the parameter `binary_data_size`")
        dtype = np.dtype(DATATYPES[tensor.datatype]).newbyteorder("<")
        if size is None:
            return _listed(tensor.data or [], dtype, prod(tensor.shape))
        if size != len(self.binary) or size != prod(tensor.shape) * dtype.itemsize:
            wanted = prod(tensor.shape) * dtype.itemsize
            raise _bad(f"binary_data_size is {size} and {len(self.binary)} bytes came; the shape needs {wanted}")
        return np.frombuffer(self.binary, dtype)


def metadata(name: str, model: Model, steps: Sequence[int]) -> Mapping[str, Any]:
    """Return what a model tells of itself; its versions are the steps whose checkpoints are kept."""
    shapes = ((INPUT, model.image_size**2), (OUTPUT, model.network.classes))
    inputs, outputs = ([{"name": part, "datatype": "FP32", "shape": [-1, width]}] for part, width in shapes)
    versions = [str(step) for step in steps]
    return {"name": name, "versions": versions, "platform": "dualtrain_numpy", "inputs": inputs, "outputs": outputs}


def _listed(data: Sequence[Any], dtype: np.dtype[Any], size: int) -> NDArray[Any]:
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise _bad(f"the data are no tensor: {error}") from None
    if values.dtype.kind not in "iuf":
        raise _bad("the data must be numbers, flat or nested row after row")
    if values.size != size:
        raise _bad(f"the data have {values.size} numbers; the shape needs {size}")
    if dtype.kind == "u" and not (values.dtype.kind in "iu" and values.min() >= 0 and values.max() <= 255):
        raise _bad("UINT8 data are whole numbers from 0 to 255")
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """The pixels as the model takes them, where a float64 may be too large a number."""
    if not np.isfinite(values).all():
        raise _bad(f"the data must be finite numbers of {values.dtype}")
    return values


def _bad(message: str) -> Problem:
    return Problem("bad_request", message)
