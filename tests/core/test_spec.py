"""The job spec: defaults, what each field refuses, and faults across fields."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dualtrain.core.nn import Custom, Dense, custom
from dualtrain.core.nn.tensor import Array
from dualtrain.core.spec import MAX_PARAMETERS, JobSpec, faults
from dualtrain.core.validation import Fault


def spec(**fields: Any) -> JobSpec:
    return JobSpec.model_validate_json(json.dumps(fields), strict=True)


def found(classes: int = 10, samples: int = 60_000, **fields: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in faults(spec(**fields), classes, samples)]


def test_the_empty_spec_is_the_network_of_the_blog() -> None:
    empty = JobSpec()
    assert empty == spec()
    assert empty.network.layers == (Dense(20, "relu", "he"), Dense(10, "softmax", "xavier"))
    assert (empty.dataset.name, empty.dataset.image_size, empty.batch_size, empty.seed) == ("mnist", 12, 64, 0)
    assert faults(empty, 10, 60_000) == []


def test_the_json_of_a_spec_is_the_spec_again() -> None:
    made = spec(network={"layers": [{"custom": "quantize"}, {"units": 10}]}, optimizer={"name": "adam"},
                gradient={"method": "spsa", "directions": 3}, local_steps=4, outer={"name": "nesterov"})  # fmt: skip
    assert JobSpec.model_validate_json(made.model_dump_json(), strict=True) == made
    assert JobSpec.model_validate(made.model_dump(mode="json")) == made
    assert made.network.layers[0] == Custom("quantize")


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": 0},
        {"epochs": "1"},
        {"epochs": 1.5},
        {"seed": -1},
        {"seed": 2**63},
        {"target_accuracy": 1.01},
        {"max_seconds": 0},
        {"replicas": 257},
        {"priority": 10},
        {"shards": "all"},
        {"shards": 0},
        {"dtype": "float16"},
        {"metadata": {"": "x"}},
        {"metadata": {str(i): "x" for i in range(17)}},
        {"dataset": {"name": "mnist", "image_size": 65}},
        {"network": {"layers": [{"units": 10}] * 33}},
        {"network": {"layers": [{"units": 10, "custom": "quantize"}]}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_each_field_has_its_bounds(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**fields)


@pytest.mark.parametrize("text", ['{"max_seconds": NaN}', '{"optimizer": {"name": "sgd", "learning_rate": Infinity}}'])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="finite"):
        JobSpec.model_validate_json(text, strict=True)


def test_the_last_layer_has_a_unit_for_each_class() -> None:
    assert found(classes=3) == [("/network/layers/1/units", "wrong_output_size")]
    assert found(classes=7, network={"layers": [{"units": 4}, {"custom": "quantize"}]}) == [
        ("/network/layers/1/custom", "wrong_output_size"),
        ("/gradient/method", "method_cannot_do_layer"),
    ]


def test_unknown_layers_are_named_alone() -> None:
    assert found(network={"layers": [{"custom": "a"}, {"units": 3}, {"custom": "b"}]}) == [
        ("/network/layers/0/custom", "unknown_layer"),
        ("/network/layers/2/custom", "unknown_layer"),
    ]


def test_the_first_layer_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def pool(parameters: Array, inputs: Array) -> Array:
        return inputs.reshape(len(inputs), -1, 2).max(axis=2)

    def pairs(fan_in: int) -> int:
        if fan_in % 2:
            raise ValueError(f"pool takes pairs, not {fan_in} inputs")
        return fan_in // 2

    pool.units = pairs  # type: ignore[attr-defined]
    monkeypatch.setitem(custom.BUILT_IN, "pool", pool)
    black_box = {"method": "spsa"}
    assert found(gradient=black_box, network={"layers": [{"custom": "pool"}, {"units": 10}]}) == []
    assert found(gradient=black_box, network={"layers": [{"units": 7}, {"custom": "pool"}, {"units": 10}]}) == [
        ("/network/layers/1/custom", "layer_does_not_fit")
    ]


def test_parameters_are_limited_both_ways() -> None:
    wide = {"layers": [{"units": 60_000}, {"units": MAX_PARAMETERS // 60_000}, {"units": 10}]}
    assert ("/network/layers", "too_many_parameters") in found(network=wide)
    assert ("/network/layers", "no_parameters") in found(classes=144, network={"layers": [{"custom": "quantize"}]})


def test_methods_that_use_values_only_do_every_layer() -> None:
    layers = {"layers": [{"custom": "quantize"}, {"units": 10}]}
    assert found(network=layers, gradient={"method": "spsa"}) == []


def test_factors_of_the_learning_rate_are_one_for_each_layer() -> None:
    assert found(optimizer={"layer_factors": [0, 1]}) == []
    assert found(optimizer={"layer_factors": [1]}) == [("/optimizer/layer_factors", "wrong_number_of_factors")]


def test_a_comparison_needs_an_exact_gradient() -> None:
    compared = {"diagnostics": {"cosine_every": 10}}
    refused = [("/diagnostics/cosine_every", "no_exact_gradient")]
    assert found(**compared) == []
    assert found(**compared, local_steps=2) == refused
    layers = [{"custom": "quantize"}, {"units": 10}]
    assert found(**compared, network={"layers": layers}, gradient={"method": "spsa"}) == refused


def test_seeds_of_their_own_replace_the_seed() -> None:
    mixed = spec(seed=3, seeds={"order": 5, "directions": 0})
    assert (mixed.weights_seed, mixed.order_seed, mixed.directions_seed) == (3, 5, 0)


def test_something_must_be_left_to_train_on() -> None:
    assert found(samples=100, dataset={"name": "x", "validation_limit": 99}) == []
    assert found(samples=100, dataset={"name": "x", "validation_limit": 100}) == [
        ("/dataset/validation_limit", "nothing_left_to_train")
    ]


@given(units=st.lists(st.integers(1, 5000), min_size=1, max_size=6), classes=st.integers(2, 50))
def test_faults_are_found_without_making_the_network(units: list[int], classes: int) -> None:
    fields = {"layers": [{"units": unit} for unit in units]}
    result = faults(spec(network=fields), classes, 1000)
    assert all(isinstance(fault, Fault) for fault in result)
    assert (units[-1] == classes) == all(fault.code != "wrong_output_size" for fault in result)


@pytest.mark.parametrize(
    ("layers", "pointer", "code"),
    [
        ([{"type": "conv2d", "filters": 2, "kernel_size": 13}, {"units": 10}], "/0/kernel_size", "layer_does_not_fit"),
        ([{"units": 9}, {"type": "conv2d", "filters": 2}, {"units": 10}], "/1", "layer_does_not_fit"),
        ([{"type": "max-pool2d", "size": 20}, {"units": 10}], "/0/size", "layer_does_not_fit"),
        ([{"units": 9, "groups": 2}, {"units": 10}], "/0/groups", "layer_does_not_fit"),
        ([{"type": "residual", "layers": [{"units": 9}]}, {"units": 10}], "/0/layers", "layer_does_not_fit"),
        ([{"type": "layer-norm"}, {"units": 10}], "/0", "layer_does_not_fit"),
        ([{"type": "conv2d", "filters": 2}], "/0", "wrong_output_size"),
    ],
)
def test_layers_that_do_not_fit_name_their_field(layers: list[dict[str, object]], pointer: str, code: str) -> None:
    spec = JobSpec.model_validate({"network": {"layers": layers}})
    assert [(fault.pointer, fault.code) for fault in faults(spec, 10, 60_000)] == [(f"/network/layers{pointer}", code)]
