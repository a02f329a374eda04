"""Models as files for other programs: safetensors, npz, ONNX."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.predictions.onnx import to_onnx
from dualtrain.core.runtime.fingerprint import digest


def tensors(model: LoadedModel) -> dict[str, NDArray[Any]]:
    """Return the arrays of the layers by name (`layers.0.weights`, ...), in the order of the flat vector."""
    parts = model.network.slices
    return {f"layers.{part.layer}.{part.name}": np.ascontiguousarray(part.of(model.parameters)) for part in parts}


def metadata(model: LoadedModel) -> dict[str, str]:
    """Return the metadata of a file; `sha256` is that of the arrays' bytes, one after another, as in the job."""
    return {
        "format": "dualtrain",
        "job_id": model.job_id,
        "step": str(model.step),
        "spec": model.spec.model_dump_json(),
        "classes": json.dumps(model.classes),
        "sha256": digest(model.parameters),
    }


def to_safetensors(model: LoadedModel) -> bytes:
    """Return a safetensors file with the metadata in its header."""
    return bytes(save(tensors(model), metadata(model)))


def to_npz(model: LoadedModel) -> bytes:
    """Return a NumPy archive, read without pickle; `facts` in it is an array of one string: the metadata as JSON."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **tensors(model), facts=np.array(json.dumps(metadata(model))))
    return file.getvalue()


def _to_onnx(model: LoadedModel) -> bytes:
    return to_onnx(model.network, model.parameters, metadata(model))


FORMATS: dict[str, tuple[Callable[[LoadedModel], bytes], str]] = {
    "safetensors": (to_safetensors, "application/octet-stream"),
    "npz": (to_npz, "application/zip"),
    "onnx": (_to_onnx, "application/octet-stream"),
}
"""Format -> its writer and its media type."""
