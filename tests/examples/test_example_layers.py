"""The example layers, found as if they were installed: every method differentiates them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dualtrain.core.gradients import FiniteDifference, ForwardGradient, PerNeuron, PerParameter, gradient
from dualtrain.core.nn import Custom, Dense, Network, custom
from dualtrain.core.nn.trial import trial_fault
from dualtrain.core.runtime import fingerprint
from dualtrain.core.spec import JobSpec, faults

FOLDER = Path(__file__).parents[2] / "examples" / "layers"
BROKEN = """
import os, numpy as np
def unknown(parameters, inputs): return inputs * np.histogram(inputs)[0].sum()
def crash(parameters, inputs): os._exit(3)
def lost(parameters, inputs): return np.sin(getattr(inputs, "primal", inputs))
unknown.differentiable = lost.differentiable = True
"""
POINTS = """[dualtrain.layers]
numpy-convolution = example_layers:convolution
row-attention = example_layers:row_attention
ode = example_layers:ode
unknown = broken_layers:unknown
crash = broken_layers:crash
lost = broken_layers:lost
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "broken_layers.py").write_text(BROKEN)
    (tmp_path / "example_layers.py").write_text((FOLDER / "example_layers.py").read_text())
    (tmp_path / "box-1.dist-info").mkdir()
    (tmp_path / "box-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: box\nVersion: 1\n")
    (tmp_path / "box-1.dist-info" / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    caches = (custom.find, fingerprint.installed_code)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()
    for name in ("broken_layers", "example_layers"):
        sys.modules.pop(name, None)


NETWORKS = {
    "convolution": Network((5, 5, 2), (Custom("numpy-convolution", {"filters": 3}), Dense(3, "softmax"))),
    "attention": Network((5, 4, 1), (Custom("row-attention", {"width": 4, "classes": 3}),)),
    "ode": Network(6, (Dense(4), Custom("ode", {"time": 1.5}), Dense(3, "softmax"))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_exact_method_agrees_with_differences(name: str) -> None:
    network = NETWORKS[name]
    generator = np.random.default_rng(0)
    parameters = network.init(1, np.float64)
    inputs, labels = generator.standard_normal((4, network.widths[0])), np.array([0, 1, 2, 0])
    differences = gradient(network, parameters, inputs, labels, FiniteDifference())
    for method in (PerParameter(), PerNeuron()):
        exact = gradient(network, parameters, inputs, labels, method)
        np.testing.assert_allclose(exact, differences, atol=1e-8)
    method = ForwardGradient(directions=4000, distribution="rademacher", exact_last_layer=False)
    estimate = gradient(network, parameters, inputs, labels, method)
    assert estimate @ exact > 0.9 * np.linalg.norm(estimate) * np.linalg.norm(exact)


def test_directions_of_outputs_say_nothing_about_parameters_inside() -> None:
    with pytest.raises(ValueError, match="layer 0 is not linear in its parameters; set 'perturb' to 'weights'"):
        ForwardGradient(perturb="activations").check(NETWORKS["attention"])


@pytest.mark.parametrize(
    ("name", "message"),
    [("unknown", "TypeError: .*histogram"), ("crash", "ended its process with 3"), ("lost", "a derivative got lost")],
)
def test_a_layer_that_cannot_be_trained_is_a_fault_at_the_door(name: str, message: str) -> None:
    spec = JobSpec.model_validate({"network": {"layers": [{"custom": name}, {"units": 10}]}})
    (fault,) = faults(spec, 10, 60_000)
    assert (fault.pointer, fault.code) == ("/network/layers/0/custom", "layer_fails")
    assert re.search(message, fault.message), fault.message


def test_a_layer_that_works_is_no_fault() -> None:
    assert trial_fault(Custom("row-attention"), (6, 6, 1)) is None


def test_options_that_a_layer_does_not_take_are_a_fault() -> None:
    spec = JobSpec.model_validate({"network": {"layers": [{"custom": "row-attention", "options": {"wide": 3}}]}})
    assert [fault.code for fault in faults(spec, 10, 60_000)] == ["layer_does_not_fit"]


def test_the_code_of_installed_layers_counts(tmp_path: Path) -> None:
    before = fingerprint.installed_code()
    (tmp_path / "broken_layers.py").write_text(BROKEN + "# changed\n")
    fingerprint.installed_code.cache_clear()
    assert fingerprint.installed_code() != before
