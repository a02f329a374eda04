"""A model as a file that others read: safetensors, npz, ONNX."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from dualtrain.api.predictions.model import Model
from dualtrain.api.predictions.onnx import to_onnx
from dualtrain.core.runtime.fingerprint import digest


def tensors(model: Model) -> dict[str, NDArray[Any]]:
    """Return the arrays of the layers by name (`layers.0.weights`, ...), in the order of the flat vector."""
    parts = model.network.slices
    return {f"layers.{one.layer}.{one.name}": np.ascontiguousarray(one.of(model.parameters)) for one in parts}


def facts(model: Model) -> dict[str, str]:
    """Return what a file says of itself; `sha256` is that of all arrays' bytes, one after another, as in the job."""
    return {
        "format": "dualtrain",
        "job_id": model.job_id,
        "step": str(model.step),
        "spec": model.spec.model_dump_json(),
        "classes": json.dumps(model.classes),
        "sha256": digest(model.parameters),
    }


def to_safetensors(model: Model) -> bytes:
    """Return a safetensors file; the facts are its metadata."""
    return bytes(save(tensors(model), facts(model)))


def to_npz(model: Model) -> bytes:
    """Return a NumPy archive, read without pickle; the facts are an array of one string, JSON."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **tensors(model), facts=np.array(json.dumps(facts(model))))
    return file.getvalue()


def _to_onnx(model: Model) -> bytes:
    return to_onnx(model.network, model.parameters, facts(model))


FORMATS: dict[str, tuple[Callable[[Model], bytes], str]] = {
    "safetensors": (to_safetensors, "application/octet-stream"),
    "npz": (to_npz, "application/zip"),
    "onnx": (_to_onnx, "application/octet-stream"),
}
"""Format -> what writes it, and its media type."""
