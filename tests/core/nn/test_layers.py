from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import TypeAdapter, ValidationError

from dualtrain.core.nn import Custom, Dense, Layer

LAYERS: TypeAdapter[tuple[Layer, ...]] = TypeAdapter(tuple[Layer, ...])


def test_dense_is_an_affine_map() -> None:
    weights, bias, inputs = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0]), np.array([[1.0, 1.0]])
    assert_allclose(Dense(2).connect((weights, bias), inputs), [[14.0, 26.0]])
    assert_allclose(Dense(2, bias=False).connect((weights,), inputs), [[4.0, 6.0]])


def test_shapes_follow_the_flat_layout() -> None:
    assert Dense(3).shapes(5) == {"weights": (5, 3), "bias": (3,)}
    assert Dense(3, bias=False).shapes(5) == {"weights": (5, 3)}


def test_biases_start_at_zero() -> None:
    weights, bias = Dense(3, initializer="he").init(np.random.default_rng(0), 5)
    assert np.all(weights != 0)
    assert np.all(bias == 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(units=0), "units\n.*greater than or equal to 1 .*input_value=0"),
        (lambda: Dense(3, activation="rleu"), "activation\n.*'relu'.*input_value='rleu'"),  # type: ignore[arg-type]
        (lambda: Dense(3, initializer="ho"), "initializer\n.*'he'.*input_value='ho'"),  # type: ignore[arg-type]
    ],
)
def test_faults_are_named_with_what_would_do(make: Callable[[], Dense], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_layers_are_read_from_json_as_they_are() -> None:
    text = b'[{"units":20,"activation":"relu","initializer":"he","bias":false},{"custom":"quantize"}]'
    layers = LAYERS.validate_json(text)
    assert layers == (Dense(20, "relu", "he", bias=False), Custom("quantize"))
    assert LAYERS.dump_json(layers) == text


@pytest.mark.parametrize("layer", [{"units": 0}, {"units": 3, "nuits": 4}, {"custom": "quantize", "units": 2}, {}])
def test_other_json_is_refused(layer: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LAYERS.validate_python([layer])
