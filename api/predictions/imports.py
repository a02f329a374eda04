"""A model from a safetensors file: it becomes an ended job, so that it can do all that trained models can."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from dualtrain.api.errors.validation import fault, invalid
from dualtrain.core import validation
from dualtrain.core.job import IMPORTING, Job, Model, Reason, Status, new_id
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Network
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.times import now
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint, Checkpoints, Jobs, Leases
from dualtrain.core.validation import Invalid

HEADER_BYTES = 1 << 20


def parse(data: bytes, check: Callable[[JobSpec], None]) -> tuple[JobSpec, NDArray[Any]]:
    """Return spec and parameters (P,) of a file as `GET /v1/jobs/{id}/model` writes it. Raises Problem `invalid`.

    `check` raises for a spec that is not wanted; only one that passes is made a network of.
    """
    spec = _spec(_metadata(data))
    check(spec)
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, TypeError) as error:  # the latter for dtypes that NumPy does not have
        raise fault("", "not_safetensors", f"the file cannot be read: {error}") from None
    with np.errstate(over="ignore"):
        vector = _flat(network_for(spec), tensors).astype(spec.dtype)
    if not np.isfinite(vector).all():
        raise fault("", "not_finite", f"a weight is not a finite number of {spec.dtype}")
    return spec, vector


def accept(jobs: Jobs, leases: Leases, checkpoints: Checkpoints, job: Job, vector: NDArray[Any], limit: int) -> None:
    """Write an ended job with one checkpoint. The lease comes first, so that no aggregator runs the job meanwhile."""
    lease = leases.acquire(job.id)
    assert lease is not None  # nobody else knows the id
    try:
        jobs.create(job, 0, limit)
        jobs.move(job.id, Status.RUNNING, IMPORTING, lease)
        checkpoints.save(lease, Checkpoint(0, {"parameters": vector}, {}), {}, 0)
        model = Model(parameters=vector.size, sha256=digest(vector)).model_dump(mode="json")
        reason = Reason(code="imported", message="Its weights were uploaded, not trained here.")
        jobs.move(job.id, Status.SUCCEEDED, reason, lease, model=model)
    finally:
        leases.release(lease)


def new_job(spec: JobSpec, owner: str | None) -> Job:
    """Return the job that an uploaded model becomes."""
    return Job(
        id=new_id(),
        name=spec.name,
        owner=owner,
        status=Status.QUEUED,
        status_reason=IMPORTING,
        created_at=now(),
        spec=spec.model_dump(mode="json"),
    )


def _metadata(data: bytes) -> Mapping[str, Any]:
    """Return the metadata in a file's header, which is JSON behind 8 bytes that tell its length."""
    length = int.from_bytes(data[:8], "little")
    try:
        if not 2 <= length <= min(HEADER_BYTES, len(data) - 8):
            raise ValueError("its header has no length that can be")
        header = json.loads(data[8 : 8 + length])
        return header.get("__metadata__") or {}
    except (ValueError, AttributeError, RecursionError) as error:
        raise fault("", "not_safetensors", f"this is not a safetensors file: {error}") from None


def _spec(metadata: Mapping[str, Any]) -> JobSpec:
    text = metadata.get("spec")
    if not isinstance(text, str):
        raise fault("/metadata/spec", "missing", "the file's metadata need `spec`, a job spec as JSON")
    try:
        spec = validation.parse(JobSpec, text.encode())
    except Invalid as error:
        raise invalid(replace(one, pointer=f"/metadata/spec{one.pointer}") for one in error.faults) from None
    except ValueError as error:
        raise fault("/metadata/spec", "json_invalid", str(error)) from None
    return spec.model_copy(update={"initial_weights": None, "webhook_url": None})


def _flat(network: Network, tensors: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    wanted = {f"layers.{one.layer}.{one.name}": one.shape for one in network.slices}
    for name, shape in wanted.items():
        if name not in tensors or tensors[name].shape != shape:
            found = tensors[name].shape if name in tensors else "nothing"
            raise fault(f"/{name}", "wrong_shape", f"the spec asks for {name} of shape {shape}; there is {found}")
        if not np.issubdtype(tensors[name].dtype, np.floating) or not np.isfinite(tensors[name]).all():
            raise fault(f"/{name}", "not_finite", f"{name} must hold floats, all of them finite")
    return np.concatenate([tensors[name].ravel() for name in wanted])
