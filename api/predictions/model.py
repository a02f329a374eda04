"""A network with its parameters, ready to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.api.predictions.shared_array import SharedArray, map_array
from dualtrain.core.data import PLAIN, UnknownDataset, describe, resize, scale
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Network
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint

NUMBERS_PER_PASS = 16 << 20
"""Numbers in the widest layer of one forward pass; more images are answered in several passes."""
RECENT_SPECS = 32
"""Specs of which a process keeps the networks."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """The parameters (P,) of a job at a step, its spec, the names of its classes, and how its pictures are prepared.

    `shared` holds the parameters in the API, whose child processes map them.
    """

    job_id: str
    step: int
    spec: JobSpec
    network: Network
    parameters: NDArray[Any]
    classes: tuple[str, ...]
    preprocessing: str
    shared: SharedArray | None = None

    @classmethod
    def of(cls, job_id: str, spec: JobSpec, checkpoint: Checkpoint, data_dir: Path) -> "LoadedModel":
        """Return the model of a checkpoint, its parameters in shared memory."""
        network = network_for(spec)
        shared = SharedArray(checkpoint.tensors["parameters"])
        classes, preprocessing = _data_facts(spec, network.classes, data_dir)
        return cls(job_id, checkpoint.step, spec, network, shared.values, classes, preprocessing, shared)

    @classmethod
    def received(cls, document: Mapping[str, Any], file: int) -> "LoadedModel":
        """Return the model that `document` describes, in a child process; `file` has its parameters."""
        spec, network = _network(document["spec"])
        parameters = map_array(file, document["dtype"])
        classes, preprocessing = tuple(document["classes"]), document["preprocessing"]
        return cls(document["job_id"], document["step"], spec, network, parameters, classes, preprocessing)

    @cached_property
    def document(self) -> dict[str, Any]:
        """All but the parameters, as JSON."""
        return {
            "job_id": self.job_id,
            "step": self.step,
            "spec": self.spec.model_dump_json(),
            "dtype": str(self.parameters.dtype),
            "classes": self.classes,
            "preprocessing": self.preprocessing,
        }

    @property
    def file(self) -> int:
        """A descriptor of the file with the parameters, as long as this model lives; only in the API."""
        assert self.shared is not None
        return self.shared.file

    @property
    def image_size(self) -> int:
        """The side length of the images it was trained on, in pixels."""
        return self.spec.dataset.image_size

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return images (n, 28, 28) as inputs of the network (n, image_size²), preprocessed as in training."""
        return scale(resize(images, self.image_size), self.parameters.dtype)

    def classify(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the probabilities (n, C) for images (n, 28, 28)."""
        return np.concatenate([self._pass(self.inputs(images[part])) for part in self._parts(len(images))])

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities (n, C) for inputs (n, image_size²) from 0 to 1."""
        return np.concatenate([self._pass(inputs[part]) for part in self._parts(len(inputs))])

    def _pass(self, inputs: NDArray[Any]) -> NDArray[Any]:
        probabilities: NDArray[Any] = self.network.probabilities(self.parameters, inputs)
        return probabilities

    def _parts(self, samples: int) -> list[slice]:
        count = max(1, NUMBERS_PER_PASS // max(self.network.widths))
        return [slice(start, start + count) for start in range(0, max(1, samples), count)]


@lru_cache(RECENT_SPECS)
def _network(spec: str) -> tuple[JobSpec, Network]:
    """Return a spec and its network: reading a spec takes longer than answering for one image."""
    parsed = JobSpec.model_validate_json(spec)
    return parsed, network_for(parsed)


def _data_facts(spec: JobSpec, count: int, data_dir: Path) -> tuple[tuple[str, ...], str]:
    """Return the names of the classes and the preprocessing; numbers and none when the data set was deleted."""
    try:
        description = describe(spec.dataset.name, data_dir)
    except UnknownDataset:
        return tuple(map(str, range(count))), PLAIN
    return description.classes, description.preprocessing
