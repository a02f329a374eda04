"""Safetensors files as `GET /v1/jobs/{id}/model` writes them: a job spec in the metadata, and the layers' arrays."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from dualtrain.api.predictions.errors import fault
from dualtrain.core import validation
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Network
from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import Invalid

HEADER_BYTES = 1 << 20


def parse(data: bytes, check: Callable[[JobSpec], None]) -> tuple[JobSpec, NDArray[Any]]:
    """Return spec and parameters (P,) of a file. Raises Invalid.

    `check` raises for a spec that is not accepted; the network is built only of one that passes.
    """
    spec = _spec(_metadata(data))
    check(spec)
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:  # KeyError: a dtype that NumPy does not have
        raise fault("", "not_safetensors", f"the file cannot be read: {error}") from None
    with np.errstate(over="ignore"):
        vector = _flat(network_for(spec), tensors).astype(spec.dtype)
    if not np.isfinite(vector).all():
        raise fault("", "not_finite", f"a weight is not a finite number of {spec.dtype}")
    return spec, vector


def _metadata(data: bytes) -> Mapping[str, Any]:
    """Return the metadata in a file's header, which is JSON behind 8 bytes with its length."""
    length = int.from_bytes(data[:8], "little")
    try:
        if not 2 <= length <= min(HEADER_BYTES, len(data) - 8):
            raise ValueError("its header has an impossible length")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
        if not isinstance(metadata, dict):
            raise ValueError("its `__metadata__` is no object")
        return metadata
    except (ValueError, AttributeError, RecursionError) as error:
        raise fault("", "not_safetensors", f"this is not a safetensors file: {error}") from None


def _spec(metadata: Mapping[str, Any]) -> JobSpec:
    text = metadata.get("spec")
    if not isinstance(text, str):
        raise fault("/metadata/spec", "missing", "the file's metadata need `spec`, a job spec as JSON")
    try:
        spec = validation.parse(JobSpec, text.encode())
    except Invalid as error:
        raise Invalid((replace(f, pointer=f"/metadata/spec{f.pointer}") for f in error.faults), error.count) from None
    except ValueError as error:
        raise fault("/metadata/spec", "json_invalid", str(error)) from None
    return spec.model_copy(update={"initial_weights": None, "webhook_url": None})


def _flat(network: Network, tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the arrays of all layers as one vector (P,). Raises Invalid."""
    shapes = {f"layers.{part.layer}.{part.name}": part.shape for part in network.slices}
    for name, shape in shapes.items():
        if name not in tensors or tensors[name].shape != shape:
            actual = tensors[name].shape if name in tensors else "nothing"
            raise fault(f"/{name}", "wrong_shape", f"the spec asks for {name} of shape {shape}; the file has {actual}")
        if not np.issubdtype(tensors[name].dtype, np.floating) or not np.isfinite(tensors[name]).all():
            raise fault(f"/{name}", "not_finite", f"{name} must hold floats, all of them finite")
    return np.concatenate([tensors[name].ravel() for name in shapes])
