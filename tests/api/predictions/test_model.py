"""A model in memory: answers of many images in parts."""

import numpy as np
import pytest

from dualtrain.api.predictions import model as module
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.core.data import Dataset
from dualtrain.core.loop import network_for
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec


def test_many_images_are_answered_in_parts(
    trained: tuple[JobSpec, State, float], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, state, _ = trained
    model = LoadedModel("j", 1, spec, network_for(spec), state.parameters, tuple("0123456789"), "mnist")
    images, parts = digits.test_images[:7].reshape(-1, 28, 28), list[int]()
    whole = model.classify(images)
    scale = module.scale
    monkeypatch.setattr(module, "NUMBERS_PER_PASS", 784 * 3)
    monkeypatch.setattr(module, "scale", lambda part, dtype: (parts.append(len(part)), scale(part, dtype))[1])
    np.testing.assert_allclose(model.classify(images), whole, atol=1e-6)
    assert parts == [3, 3, 1]
