"""A network with its parameters, ready to answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.data import UnknownDataset, describe, resize, scale
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Network
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint

NUMBERS_AT_ONCE = 16 << 20
"""In the widest layer of one forward pass; more images are answered in several."""


@dataclass(frozen=True, eq=False)
class Model:
    """The parameters (P,) of a job at a step, with the spec that they were trained by and the names of the classes."""

    job_id: str
    step: int
    spec: JobSpec
    network: Network
    parameters: NDArray[Any]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, job_id: str, spec: JobSpec, checkpoint: Checkpoint, data_dir: Path) -> "Model":
        """Return the model of a checkpoint."""
        network = network_for(spec)
        parameters = checkpoint.tensors["parameters"].copy()  # the checkpoint's other tensors may go
        return cls(job_id, checkpoint.step, spec, network, parameters, _classes(spec, network.classes, data_dir))

    @property
    def image_size(self) -> int:
        """The sides of the images it was trained on."""
        return self.spec.dataset.image_size

    def inputs(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return images (n, 28, 28) as the network takes them, (n, image_size²), made as in training."""
        return scale(resize(images, self.image_size), self.parameters.dtype)

    def answer(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the probabilities (n, C) for images (n, 28, 28)."""
        return np.concatenate([self._pass(self.inputs(images[part])) for part in self._parts(len(images))])

    def probabilities(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities (n, C) for inputs (n, image_size²) from 0 to 1."""
        return np.concatenate([self._pass(inputs[part]) for part in self._parts(len(inputs))])

    def _pass(self, inputs: NDArray[Any]) -> NDArray[Any]:
        found: NDArray[Any] = self.network.probabilities(self.parameters, inputs)
        return found

    def _parts(self, samples: int) -> list[slice]:
        count = max(1, NUMBERS_AT_ONCE // max(self.network.widths))
        return [slice(start, start + count) for start in range(0, max(1, samples), count)]


def _classes(spec: JobSpec, count: int, data_dir: Path) -> tuple[str, ...]:
    """Return the names of the classes; their numbers when the data set is gone."""
    try:
        return describe(spec.dataset.name, data_dir).classes
    except UnknownDataset:
        return tuple(map(str, range(count)))
