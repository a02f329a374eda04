"""Methods that the operator installs, found by their entry points."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dualtrain.core.gradients import CustomMethod, check_method
from dualtrain.core.loop import Training
from dualtrain.core.spec import JobSpec, faults
from dualtrain.core.train import run
from tests.core.rounds.linear import samples

PACKAGE = Path(__file__).parents[3] / "examples" / "random-coordinates"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example package as pip would install it."""
    metadata = tmp_path / "dualtrain_random_coordinates-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dualtrain-random-coordinates\nVersion: 0.1.0\n")
    points = "[dualtrain.methods]\nrandom-coordinates = random_coordinates:RandomCoordinates\n"
    (metadata / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(PACKAGE)
    yield
    sys.modules.pop("random_coordinates", None)


def spec(**gradient: Any) -> JobSpec:
    layers = [{"units": 5, "activation": "relu"}, {"units": 3, "activation": "softmax"}]
    document = {
        "dataset": {"image_size": 4},
        "network": {"layers": layers},
        "gradient": {"method": "custom", **gradient},
        "batch_size": 8,
        "max_steps": 3,
    }
    return JobSpec.model_validate_json(json.dumps(document), strict=True)


@pytest.mark.usefixtures("installed")
def test_the_example_passes_the_checks_of_methods() -> None:
    check_method(CustomMethod(name="random-coordinates", options={"count": 30}), draws=300)


@pytest.mark.usefixtures("installed")
def test_an_installed_method_trains() -> None:
    job = spec(name="random-coordinates", options={"count": 20})
    assert faults(job, 3, 100) == []
    assert hash(job.gradient) == hash(spec(name="random-coordinates", options={"count": 20}).gradient)
    data = samples()
    flat = np.repeat(data.train_images, 4, axis=1)
    training = Training(job, type(data)("some", 4, data.classes, "", flat, data.train_labels, flat, data.test_labels))
    assert run(training).passes == 3 * 20


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("gradient", "pointer", "message"),
    [
        ({"name": "other"}, "/gradient/name", "there are: random-coordinates"),
        ({"name": "random-coordinates", "options": {"size": 1}}, "/gradient/name", "does not take the options"),
        ({"name": "random-coordinates", "options": {"count": 0}}, "/gradient/method", "count 0 is not between"),
    ],
)
def test_a_method_that_cannot_be_used_is_named(gradient: dict[str, Any], pointer: str, message: str) -> None:
    (fault,) = faults(spec(**gradient), 3, 100)
    assert fault.pointer == pointer
    assert message in fault.message
